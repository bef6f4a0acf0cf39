import type { FaultCase } from "./case.js";
import { cutListener } from "./cases/cut-listener.js";
import { migrations, rollingDeploy } from "./cases/deploys.js";
import { forgetting } from "./cases/forgetting.js";
import { fullPool } from "./cases/full-pool.js";
import { keptOrder } from "./cases/kept-order.js";
import { killedPublisher } from "./cases/killed-publisher.js";
import { killedWorker } from "./cases/killed-worker.js";
import { bulkTransaction, openTransaction, pinnedSnapshot } from "./cases/long-transactions.js";
import { lostLease } from "./cases/lost-lease.js";
import { blackHole, resets } from "./cases/network.js";
import { poisonHandler, poisonPayload } from "./cases/poison.js";
import { recordedProgress } from "./cases/recorded-progress.js";
import { crashedServer, restartedServer } from "./cases/restarted-server.js";
import { schedules } from "./cases/schedules.js";
import { terminatedConnections } from "./cases/terminated-connections.js";
import { wakeUp } from "./cases/wake-up.js";

export const cases: readonly FaultCase[] = [
  killedWorker,
  recordedProgress,
  killedPublisher,
  terminatedConnections,
  restartedServer,
  crashedServer,
  blackHole,
  lostLease,
  resets,
  cutListener,
  keptOrder,
  fullPool,
  pinnedSnapshot,
  openTransaction,
  bulkTransaction,
  poisonPayload,
  poisonHandler,
  migrations,
  rollingDeploy,
  wakeUp,
  forgetting,
  schedules,
];
