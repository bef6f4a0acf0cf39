import type { MakeScenario } from "./harness/scenario.js";
import { backlogScenario } from "./scenarios/backlog.js";
import { bulkScenario } from "./scenarios/bulk.js";
import { drainScenario } from "./scenarios/drain.js";
import { memoryScenario } from "./scenarios/memory.js";
import { pinnedSnapshotScenario } from "./scenarios/pinned-snapshot.js";
import { transactionScenario } from "./scenarios/transaction.js";
import { transactionsReceivedScenario } from "./scenarios/transactions-received.js";
import { walScenario } from "./scenarios/wal.js";

/** In the order of the table. */
export const scenarios: readonly MakeScenario[] = [
  transactionScenario,
  transactionsReceivedScenario,
  bulkScenario,
  drainScenario,
  backlogScenario,
  pinnedSnapshotScenario,
  walScenario,
  memoryScenario,
];
