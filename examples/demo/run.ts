import type { Pool } from "pg";
import { freePort } from "../../scripts/free-port.js";
import { startPostgres } from "../../scripts/postgres-server.js";
import { type Database, withDatabase } from "./database.js";
import type { Options } from "./options.js";
import { postgres } from "./postgres.js";
import { interruptSignal, type Processes, withProcesses } from "./processes.js";
import { Progress } from "./progress.js";
import { reconcile } from "./reconcile.js";
import { replay } from "./replay.js";
import { printReport } from "./report.js";
import type { Transport } from "./transport.js";
import { watch } from "./watch.js";
import { makeWebhooks, type Webhook } from "./webhooks.js";

const SERVICE = new URL("./service.ts", import.meta.url);

/** Resolves with whether all that was committed was handled, and nothing else. */
export async function run({ messages = 10_000, beforeCheck, broker }: Options): Promise<boolean> {
  const signal = interruptSignal();
  const server = await startPostgres();
  const transport = broker ? await (await import("./kafka/transport.js")).kafka() : postgres;
  try {
    return await withDatabase(server.url, async (database) => {
      const { pool } = database;
      const webhooks = makeWebhooks(messages);
      await withProcesses(signal, (processes) => play(webhooks, database, transport, processes));
      await transport.collect(pool);
      if (beforeCheck !== undefined) await pool.query(beforeCheck);
      const report = await reconcile(pool);
      printReport(report);
      return report.ok;
    });
  } finally {
    await transport.stop();
    await server.stop();
  }
}

/** Replays webhooks until all that they published is handled; a process is killed on the way, and replaced. */
async function play(
  webhooks: readonly Webhook[],
  database: Database,
  transport: Transport,
  processes: Processes,
): Promise<void> {
  const { url, pool } = database;
  const port = await freePort();
  const [crash] = await Promise.all([
    transport.start(database, processes),
    processes.start(SERVICE, [url, String(port)]),
  ]);

  const progress = new Progress();
  const send = (part: readonly Webhook[]) =>
    replay(`http://127.0.0.1:${port}`, part, processes.signal);
  const third = Math.floor(webhooks.length / 3);
  const publish = async () => {
    await send(webhooks.slice(0, third));
    await Promise.all([send(webhooks.slice(third)), crash((text) => progress.note(text))]);
  };
  const rolledBack = webhooks.filter(({ rollBack }) => rollBack);
  await rememberRolledBack(pool, rolledBack);
  const committed = webhooks.length - rolledBack.length;
  await Promise.all([publish(), watch(pool, committed, progress, transport)]);
  progress.end();
}

/** Outside of the transactions in question, so that the check can look for what they may have left. */
async function rememberRolledBack(pool: Pool, webhooks: readonly Webhook[]): Promise<void> {
  const ids = webhooks.map(({ id }) => id);
  await pool.query("insert into rolled_back (id) select unnest($1::uuid[])", [ids]);
}
