/**
 * One process drains no-op messages with default settings; handlers read a field of the payload. Beside it, in the same
 * run on the same server, the raw leased-rows floor. Prints both, interleaved, and the ratio of the medians.
 *
 *   npx tsx bench/drain.ts [--messages 100000] [--rounds 3]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { median, perSecond } from "./figures.js";
import { drainLeasedRows, loadLeasedRows } from "./leased-rows.js";
import { drainQueue, fillLog } from "./queue.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const messages = Number(values.messages);

async function floor(pool: pg.Pool, loops: number): Promise<number> {
  await loadLeasedRows(pool, messages);
  const { tenths } = await drainLeasedRows(pool, messages, loops, 500);
  return perSecond(messages, tenths.at(-1) as number);
}

async function ours(pool: pg.Pool, url: string): Promise<number> {
  await fillLog(pool, messages);
  const { tenths } = await drainQueue(pool, url, messages);
  return perSecond(messages, tenths.at(-1) as number);
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    const rates = {
      "leased rows, 1 loop": [] as number[],
      "leased rows, 2 loops": [] as number[],
      ours: [] as number[],
    };
    for (let round = 0; round < Number(values.rounds); round += 1) {
      rates["leased rows, 1 loop"].push(await floor(pool, 1));
      rates.ours.push(await ours(pool, server.url));
      rates["leased rows, 2 loops"].push(await floor(pool, 2));
    }
    for (const [name, all] of Object.entries(rates))
      console.log(name.padEnd(22), median(all), "/s", all.join(" "));
    const best = Math.max(
      median(rates["leased rows, 1 loop"]),
      median(rates["leased rows, 2 loops"]),
    );
    console.log("ratio to the better floor", (median(rates.ours) / best).toFixed(2));
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
