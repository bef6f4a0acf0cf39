/**
 * One relay drains an outbox to a destination that accepts everything at once: messages without a key, with 1,000 keys, and
 * with one. Fails unless each arrived once, and those of a key in order.
 *
 *   npx tsx bench/compile.ts && node bench/.cache/bench/relay.js [--messages 100000] [--rounds 3]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { median, perSecond } from "./figures.js";
import { acceptingDestination, drainOutbox, fillOutbox } from "./outbox.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const messages = Number(values.messages);

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    for (const keys of [0, 1_000, 1]) {
      const rates: number[] = [];
      for (let round = 0; round < Number(values.rounds); round += 1) {
        await fillOutbox(pool, messages, keys);
        const to = acceptingDestination(messages);
        rates.push(perSecond(messages, await drainOutbox({ pool, url: server.url, to, messages })));
        to.check();
      }
      console.log(`${keys} keys`.padEnd(12), median(rates), "/s", rates.join(" "));
    }
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
