import {
  exponentialBackoff,
  type Logger,
  Receiver,
  withBackoff,
  withLimit,
} from "opinionated-events";
import { intervalTrigger, notifyTrigger, postgresSource } from "opinionated-events/postgres";
import pg from "pg";
import { serveUntilStopped } from "./child.js";
import { addHandlers } from "./handlers.js";

/** One worker of one queue: `worker.ts DATABASE_URL QUEUE`. */
const [connectionString = "", queue = ""] = process.argv.slice(2);

/** Failed attempts are part of the demo, and shown at its end. */
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

async function main(): Promise<void> {
  const pool = new pg.Pool({ connectionString });
  const receiver = new Receiver({
    source: postgresSource({
      pool,
      triggers: [notifyTrigger({ connectionString }), intervalTrigger(1_000)],
      maxWorkers: 8,
    }),
    logger: silent,
    onError: (error, failed) => failed ?? console.error(error),
  });
  receiver.use(
    withBackoff(exponentialBackoff({ initialMs: 200, maxMs: 5_000, jitter: 0.5 })),
    withLimit(4),
  );
  addHandlers(receiver, queue, pool);
  await receiver.start();
  await serveUntilStopped(async () => {
    await receiver.stop();
    await pool.end();
  });
}

main();
