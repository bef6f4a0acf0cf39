import { memoryDestination } from "../../destination/memory.js";
import type { MemoryLog } from "../../message/memory-log.js";
import { memorySource } from "../../source/memory.js";
import type { Kind } from "./kind.js";

export const kind: Kind<"memory"> = {
  destination: () => memoryDestination(),
  source: ({ destination, maxWorkers }, make) =>
    memorySource(make.destination(destination) as unknown as MemoryLog, { maxWorkers }),
};
