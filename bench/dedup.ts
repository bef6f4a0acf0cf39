/**
 * What deduplication costs: publishes in batches of 1,000 and one by one, in turn on one server. By id: with the unique
 * index and without, where duplicates are not noticed. By key: each message with a dedup key of its own and without,
 * through the destination, as publishers do.
 *
 *   npx tsx bench/dedup.ts [--messages 100000] [--rounds 3]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { createMessage, type Message } from "../src/index.js";
import { migrate, postgresDestination } from "../src/postgres.js";
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

type Publish = (batch: readonly Message[]) => Promise<unknown>;

interface Kind {
  readonly isKeyed?: boolean;
  /** On a fresh schema. */
  prepare(pool: pg.Pool): Promise<Publish>;
}

const kinds: Record<string, Kind> = {
  "by id": { prepare: async (pool) => insert(pool, `${INSERT} on conflict do nothing`) },
  "not by id": {
    async prepare(pool) {
      for (let k = 0; k < 8; k += 1)
        await pool.query(`drop index opinionated_events.message_${k}_id`);
      return insert(pool, INSERT);
    },
  },
  "destination, no key": { prepare: async (pool) => deliver(pool) },
  "destination, by key": { isKeyed: true, prepare: async (pool) => deliver(pool) },
};

function insert(pool: pg.Pool, text: string): Publish {
  return (batch) =>
    pool.query(text, [JSON.stringify(batch.map(({ id, payload }) => ({ id, payload })))]);
}

function deliver(pool: pg.Pool): Publish {
  const destination = postgresDestination({ pool });
  const { signal } = new AbortController();
  return (batch) => destination.deliver(batch, { signal });
}

async function rate(publish: Publish, count: number, size: number, isKeyed = false) {
  const startedAt = performance.now();
  for (let from = 0; from < count; from += size) {
    const options = (n: number) => (isKeyed ? { dedupKey: `${size}-${from + n}` } : {});
    await publish(
      Array.from({ length: size }, (_, n) => createMessage("user.created", { n }, options(n))),
    );
  }
  return perSecond(count, performance.now() - startedAt);
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  const rates = new Map<string, number[]>();
  const note = (name: string, figure: number) =>
    rates.set(name, [...(rates.get(name) ?? []), figure]);
  try {
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const [kind, { prepare, isKeyed }] of Object.entries(kinds)) {
        await pool.query("drop schema if exists opinionated_events cascade");
        await migrate(pool);
        const publish = await prepare(pool);
        note(`bulk, ${kind}`, await rate(publish, messages, 1_000, isKeyed));
        note(`single, ${kind}`, await rate(publish, messages / 50, 1, isKeyed));
      }
    }
    for (const [name, all] of rates) console.log(name.padEnd(28), median(all), "/s", all.join(" "));
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
