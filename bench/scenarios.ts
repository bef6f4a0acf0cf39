import type { MakeScenario } from "./harness/scenario.js";
import { backlogScenario } from "./scenarios/backlog.js";
import { bridgeScenario } from "./scenarios/bridge.js";
import { bulkScenario } from "./scenarios/bulk.js";
import { drainScenario } from "./scenarios/drain.js";
import { fanOutScenario } from "./scenarios/fan-out.js";
import { idleScenario } from "./scenarios/idle.js";
import { latencyScenario } from "./scenarios/latency.js";
import { memoryScenario } from "./scenarios/memory.js";
import { orderedScenario } from "./scenarios/ordered.js";
import { pinnedSnapshotScenario } from "./scenarios/pinned-snapshot.js";
import { steadyScenario } from "./scenarios/steady.js";
import { transactionScenario } from "./scenarios/transaction.js";
import { transactionsReceivedScenario } from "./scenarios/transactions-received.js";
import { walScenario } from "./scenarios/wal.js";
import { wideScenario } from "./scenarios/wide.js";
import { workersScenario } from "./scenarios/workers.js";

/** In the order of the table. */
export const scenarios: readonly MakeScenario[] = [
  transactionScenario,
  transactionsReceivedScenario,
  bulkScenario,
  drainScenario,
  latencyScenario,
  steadyScenario,
  backlogScenario,
  pinnedSnapshotScenario,
  fanOutScenario,
  walScenario,
  workersScenario,
  orderedScenario,
  memoryScenario,
  bridgeScenario,
  idleScenario,
  wideScenario,
];
