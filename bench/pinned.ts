/**
 * Drains with a snapshot pinned throughout: the rate of the last tenth against the first. Prints both, and the holder's
 * backend_xmin before and after.
 *
 *   npx tsx bench/pinned.ts [--messages 200000]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { perSecond } from "./figures.js";
import { drainLeasedRows, loadLeasedRows } from "./leased-rows.js";
import { drainQueue, fillLog } from "./queue.js";
import { pinned } from "./snapshot.js";

const { values } = parseArgs({ options: { messages: { type: "string", default: "200000" } } });
const messages = Number(values.messages);

function print(name: string, tenths: readonly number[]): void {
  const spans = tenths.map((at, n) => at - (tenths[n - 1] ?? 0));
  const rates = spans.map((ms) => perSecond(messages / 10, ms));
  const [first, last] = [rates[0] as number, rates.at(-1) as number];
  console.log(
    name.padEnd(12),
    "first tenth",
    first,
    "/s, last",
    last,
    "/s, ratio",
    (last / first).toFixed(2),
    `(${rates.join(" ")})`,
  );
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    await fillLog(pool, messages);
    print("ours", (await pinned(pool, () => drainQueue(pool, server.url, messages))).tenths);
    await loadLeasedRows(pool, messages);
    print(
      "leased rows",
      (await pinned(pool, () => drainLeasedRows(pool, messages, 1, 500))).tenths,
    );
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
