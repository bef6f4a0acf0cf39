/**
 * What the unique index on the message id costs: publishes in batches of 1,000 and one by one, with it and without, in
 * turn on one server. Without it duplicates are not noticed.
 *
 *   npx tsx bench/dedup.ts [--messages 100000] [--rounds 3]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { createMessage } from "../src/index.js";
import { migrate } from "../src/postgres.js";
import { median, perSecond } from "./figures.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const messages = Number(values.messages);

const INSERT = `
  insert into opinionated_events.message (id, topic, name, payload)
  select m.id, 'user', 'user.created', m.payload from json_to_recordset($1::json) as m (id uuid, payload json)`;

async function fresh(pool: pg.Pool, withIndex: boolean): Promise<string> {
  await pool.query("drop schema if exists opinionated_events cascade");
  await migrate(pool);
  if (!withIndex) await pool.query("drop index opinionated_events.message_id");
  return withIndex ? `${INSERT} on conflict (id) do nothing` : INSERT;
}

async function publish(pool: pg.Pool, text: string, count: number, size: number): Promise<number> {
  const startedAt = performance.now();
  for (let from = 0; from < count; from += size) {
    const batch = Array.from({ length: size }, (_, n) => createMessage("user.created", { n }));
    const rows = batch.map(({ id, payload }) => ({ id, payload }));
    await pool.query(text, [JSON.stringify(rows)]);
  }
  return perSecond(count, performance.now() - startedAt);
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  const rates = new Map<string, number[]>();
  try {
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const withIndex of [true, false]) {
        const text = await fresh(pool, withIndex);
        const bulk = await publish(pool, text, messages, 1_000);
        const single = await publish(pool, text, messages / 50, 1);
        const kind = withIndex ? "with the index" : "without";
        rates.set(`bulk, ${kind}`, [...(rates.get(`bulk, ${kind}`) ?? []), bulk]);
        rates.set(`single, ${kind}`, [...(rates.get(`single, ${kind}`) ?? []), single]);
      }
    }
    for (const [name, all] of rates) console.log(name.padEnd(24), median(all), "/s", all.join(" "));
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
