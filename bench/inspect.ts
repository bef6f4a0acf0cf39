/**
 * How long it takes to say what became of a message: in a log of many, of which one queue has read all, another one half, and
 * a third one has some thousand dead. Every look is at a message at random; the first of them warm the caches.
 *
 *   npx tsx bench/inspect.ts [--messages 10000000] [--looks 2000]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { postgresOperations } from "../src/operations.js";
import { migrate } from "../src/postgres.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000000" },
    looks: { type: "string", default: "2000" },
  },
});
const messages = Number(values.messages);
const looks = Number(values.looks);
const DEAD = 5_000;

/** Version 4, and computed from the number. */
const ID = `overlay(overlay(md5(n::text) placing '4' from 13) placing '8' from 17)::uuid`;

async function fill(pool: pg.Pool): Promise<void> {
  await migrate(pool);
  for (const queue of ["ahead", "behind", "failing"])
    await pool.query("select opinionated_events.subscribe($1, 'user.*', '-infinity')", [queue]);
  const step = 500_000;
  for (let from = 1; from <= messages; from += step) {
    await pool.query(
      `insert into opinionated_events.message (id, topic, name, payload)
       select ${ID}, 'user', 'user.created', '{"some": "payload of a few bytes"}'
       from generate_series($1::int, $2::int) n`,
      [from, Math.min(messages, from + step - 1)],
    );
  }
  await pool.query("select opinionated_events.seek('ahead', 'infinity')");
  await pool.query("delete from opinionated_events.move");
  await pool.query("select opinionated_events.seek('behind', 'infinity', null, $1)", [
    Math.floor(messages / 2),
  ]);
  await pool.query("select opinionated_events.seek('failing', 'infinity')");
  await pool.query(
    `insert into opinionated_events.delivery
       (queue, topic, position, name, id, payload, published_at, state, due_at, attempt)
     select 'failing', m.topic, m.position, m.name, m.id, m.payload, m.published_at, 'dead', 'infinity', 20
     from generate_series(1, $1::int, $2::int) p join opinionated_events.message m on m.topic = 'user' and m.position = p`,
    [messages, Math.max(1, Math.floor(messages / DEAD))],
  );
  await pool.query("vacuum analyze opinionated_events.message");
}

async function idOf(pool: pg.Pool, n: number): Promise<string> {
  const { rows } = await pool.query(`select ${ID} as id from (values ($1::int)) v (n)`, [n]);
  return rows[0].id;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    await fill(pool);
    const { inspect } = postgresOperations({ pool });
    const times: number[] = [];
    const states = new Map<string, number>();
    for (let look = 0; look < looks; look += 1) {
      const id = await idOf(pool, 1 + Math.floor(Math.random() * messages));
      const startedAt = performance.now();
      const found = await inspect(id);
      times.push(performance.now() - startedAt);
      for (const { queue, state } of found?.queues ?? [])
        states.set(`${queue} ${state}`, (states.get(`${queue} ${state}`) ?? 0) + 1);
    }
    times.splice(0, Math.floor(looks / 10));
    times.sort((a, b) => a - b);
    const at = (part: number) => times[Math.floor((times.length - 1) * part)]?.toFixed(2);
    console.log([...states].map(([state, count]) => `${state}: ${count}`).join(", "));
    console.log(`${messages} messages: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
