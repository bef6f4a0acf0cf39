import type { MakeScenario } from "./harness/scenario.js";
import { drainScenario } from "./scenarios/drain.js";

/** In the order of the table. */
export const scenarios: readonly MakeScenario[] = [drainScenario];
