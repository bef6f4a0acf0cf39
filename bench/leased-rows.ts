import type pg from "pg";

/**
 * The floor: one mutable row a message, leased and crash-safe, in raw SQL as good as we can make it: no update touches
 * an index (fillfactor 50 keeps them in their page), and one statement deletes what is done and leases what is next.
 */
const CREATE = `
  drop table if exists leased_row;
  create table leased_row (
    id bigserial primary key, name text not null, message_id uuid not null, key text, payload json not null,
    headers json, published_at timestamptz not null default now(), leased_until timestamptz not null default '-infinity'
  ) with (fillfactor = 50)`;

const LOAD = `
  insert into leased_row (name, message_id, payload)
  select 'user.created', gen_random_uuid(), json_build_object('userId', n, 'email', 'u' || n || '@example.com', 'n', n % 1000)
  from generate_series(1, $1::int) n`;

const STEP = {
  name: "leased_rows",
  text: `
    with done as (delete from leased_row where id = any ($1::bigint[])),
    next as (
      select id from leased_row where leased_until < clock_timestamp()
      order by id limit $2 for update skip locked)
    update leased_row r set leased_until = clock_timestamp() + interval '30 s'
    from next where r.id = next.id
    returning r.id, r.name, r.message_id, r.key, r.payload::text, r.headers::text`,
};

export async function loadLeasedRows(pool: pg.Pool, messages: number): Promise<void> {
  await pool.query(CREATE);
  await pool.query(LOAD, [messages]);
  await pool.query("vacuum analyze leased_row");
}

/**
 * Drains them with so many loops in one process, `batch` rows a statement; handlers read a field. Resolves with the sum
 * of the field, and with the milliseconds at which each tenth was done.
 */
export async function drainLeasedRows(
  pool: pg.Pool,
  messages: number,
  loops: number,
  batch: number,
) {
  const tenths: number[] = [];
  let sum = 0;
  let count = 0;
  const startedAt = performance.now();
  const loop = async () => {
    let done: string[] = [];
    for (;;) {
      const { rows } = await pool.query({ ...STEP, values: [done, batch], rowMode: "array" });
      if (rows.length === 0 && done.length === 0) return;
      done = rows.map((row) => row[0]);
      for (const row of rows) {
        sum += JSON.parse(row[4]).n;
        count += 1;
        if (count % (messages / 10) === 0) tenths.push(performance.now() - startedAt);
      }
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  return { sum, tenths };
}
