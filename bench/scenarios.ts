import type { MakeScenario } from "./harness/scenario.js";
import { bridgeScenario } from "./scenarios/bridge.js";
import { drainScenario } from "./scenarios/drain.js";
import { fanOutScenario } from "./scenarios/fan-out.js";
import { idleScenario } from "./scenarios/idle.js";
import { latencyScenario } from "./scenarios/latency.js";
import { orderedScenario } from "./scenarios/ordered.js";
import { steadyScenario } from "./scenarios/steady.js";
import { wideScenario } from "./scenarios/wide.js";
import { workersScenario } from "./scenarios/workers.js";

/** In the order of the table. */
export const scenarios: readonly MakeScenario[] = [
  drainScenario,
  latencyScenario,
  steadyScenario,
  fanOutScenario,
  workersScenario,
  orderedScenario,
  bridgeScenario,
  idleScenario,
  wideScenario,
];
