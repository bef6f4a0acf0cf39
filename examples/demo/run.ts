import type { Pool } from "pg";
import { freePort } from "../../scripts/free-port.js";
import { startPostgres } from "../../scripts/postgres-server.js";
import { killAtWork } from "./crash.js";
import { type Database, withDatabase } from "./database.js";
import type { Options } from "./options.js";
import { interruptSignal, type Processes, withProcesses } from "./processes.js";
import { Progress } from "./progress.js";
import { reconcile } from "./reconcile.js";
import { replay } from "./replay.js";
import { printReport } from "./report.js";
import { watch } from "./watch.js";
import { makeWebhooks, type Webhook } from "./webhooks.js";

const SERVICE = new URL("./service.ts", import.meta.url);
const WORKER = new URL("./worker.ts", import.meta.url);

/** Resolves with whether all that was committed was handled, and nothing else. */
export async function run({ messages = 10_000, beforeCheck }: Options): Promise<boolean> {
  const server = await startPostgres();
  const signal = interruptSignal();
  try {
    return await withDatabase(server.url, async (database) => {
      await withProcesses(signal, (processes) => play(makeWebhooks(messages), database, processes));
      if (beforeCheck !== undefined) await database.pool.query(beforeCheck);
      const report = await reconcile(database.pool);
      printReport(report);
      return report.ok;
    });
  } finally {
    await server.stop();
  }
}

/** Replays webhooks until all that they published is handled; a worker is killed on the way, and replaced. */
async function play(
  webhooks: readonly Webhook[],
  { url, pool }: Database,
  processes: Processes,
): Promise<void> {
  const startWorker = (queue: string) => processes.start(WORKER, [url, queue]);
  const port = await freePort();
  const [stats] = await Promise.all([
    startWorker("stats"),
    startWorker("audit"),
    startWorker("notifications"),
    processes.start(SERVICE, [url, String(port)]),
  ]);

  const progress = new Progress();
  const send = (part: readonly Webhook[]) =>
    replay(`http://127.0.0.1:${port}`, part, processes.signal);
  const crash = async () => {
    const batches = await killAtWork(pool, processes, "stats", stats);
    if (batches === 0) return;
    progress.note(`Killed the worker of stats (batches in hand: ${batches}); another one starts.`);
    await startWorker("stats");
  };
  const third = Math.floor(webhooks.length / 3);
  const publish = async () => {
    await send(webhooks.slice(0, third));
    await Promise.all([send(webhooks.slice(third)), crash()]);
  };
  const rolledBack = webhooks.filter(({ rollBack }) => rollBack);
  await rememberRolledBack(pool, rolledBack);
  await Promise.all([publish(), watch(pool, webhooks.length - rolledBack.length, progress)]);
  progress.end();
}

/** Outside of the transactions in question, so that the check can look for what they may have left. */
async function rememberRolledBack(pool: Pool, webhooks: readonly Webhook[]): Promise<void> {
  const ids = webhooks.map(({ id }) => id);
  await pool.query("insert into rolled_back (id) select unnest($1::uuid[])", [ids]);
}
