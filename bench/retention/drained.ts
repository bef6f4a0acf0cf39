/**
 * Publishes, drains, and lets the log forget: what the schema takes on disk before and after. Nothing is vacuumed by hand.
 *
 *   npx tsx bench/retention/drained.ts [--messages 1000000]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../../scripts/postgres-server.js";
import { postgresOperations } from "../../src/operations.js";
import { drainQueue, fillLog } from "../queue.js";

const { values } = parseArgs({ options: { messages: { type: "string", default: "1000000" } } });
const messages = Number(values.messages);
const PATIENCE_S = 30;
const LIMIT_BYTES = 100e6;

async function sizeOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(`
    select sum(pg_total_relation_size(oid))::float8 as bytes from pg_class
    where relnamespace = 'opinionated_events'::regnamespace and relkind in ('r', 'S')`);
  return rows[0].bytes;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  const print = async (when: string) =>
    console.log(when.padEnd(10), ((await sizeOf(pool)) / 1e6).toFixed(1), "MB");
  try {
    await fillLog(pool, messages);
    await print("published");
    await drainQueue(pool, server.url, messages);
    await print("drained");
    const { retention } = postgresOperations({ pool });
    await retention.keep(1_000);
    for (let n = 0; n < PATIENCE_S && (await sizeOf(pool)) >= LIMIT_BYTES; n += 1) {
      await retention.run();
      await sleep(1_000);
    }
    await print("forgotten");
    if ((await sizeOf(pool)) >= LIMIT_BYTES) process.exitCode = 1;
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
