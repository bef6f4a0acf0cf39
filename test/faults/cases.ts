import type { FaultCase } from "./case.js";
import { killedPublisher } from "./cases/killed-publisher.js";
import { killedWorker } from "./cases/killed-worker.js";

export const cases: readonly FaultCase[] = [killedWorker, killedPublisher];
