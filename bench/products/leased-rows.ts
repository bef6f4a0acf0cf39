import { randomUUID } from "node:crypto";
import type { Place } from "../harness/scenario.js";
import { inLoops } from "./loops.js";
import type { Opened, Payload, Product, Sample } from "./product.js";

/**
 * The floor: one mutable row a message, leased and crash-safe, in raw SQL as good as we can make it. No update touches an
 * index (fillfactor 50 keeps them in their page), and one statement deletes what is done and leases what is next.
 */
export const CREATE = `
  create table if not exists leased_row (
    id bigserial primary key, name text not null, message_id uuid not null, key text, payload json not null,
    headers json, published_at timestamptz not null default now(), leased_until timestamptz not null default '-infinity'
  ) with (fillfactor = 50)`;

const INSERT = {
  name: "insert",
  text: "insert into leased_row (name, message_id, key, payload, headers) values ($1, $2, $3, $4, $5)",
};

const INSERT_BATCH = {
  name: "insert_batch",
  text: `insert into leased_row (name, message_id, key, payload, headers)
    select name, message_id, key, payload, headers
    from json_to_recordset($1) as r (name text, message_id uuid, key text, payload json, headers json)`,
};

/** Deletes what is done ($1), and leases what is next, at most $2: id, name, message_id, key, payload, headers. */
export const STEP = {
  name: "step",
  text: `
    with done as (delete from leased_row where id = any ($1::bigint[])),
    next as (
      select id from leased_row where leased_until < clock_timestamp()
      order by id limit $2 for update skip locked)
    update leased_row r set leased_until = clock_timestamp() + interval '30 s'
    from next where r.id = next.id
    returning r.id, r.name, r.message_id, r.key, r.payload::text, r.headers::text`,
};

const BATCH = 500;

export const leasedRows = (loops: number): Product => ({
  name: `leased rows, ${loops} ${loops === 1 ? "loop" : "loops"}`,
  role: "floor",
  open: (place) => open(place, loops),
});

async function open({ pool }: Place, loops: number): Promise<Opened> {
  await pool.query(CREATE);
  return {
    async publishIn(client, { payload, key, headers }) {
      const values = [
        "user.created",
        randomUUID(),
        key ?? null,
        JSON.stringify(payload),
        text(headers),
      ];
      await client.query({ ...INSERT, values });
    },
    async publishBatch(samples) {
      await pool.query({ ...INSERT_BATCH, values: [JSON.stringify(samples.map(rowOf))] });
    },
    async consume(handle) {
      return inLoops(loops, async (isStopped) => {
        let done: string[] = [];
        while (!isStopped() || done.length > 0) {
          const values = [done, isStopped() ? 0 : BATCH];
          const { rows } = await pool.query({ ...STEP, values, rowMode: "array" });
          done = rows.map((row) => row[0]);
          for (const row of rows) await handle(JSON.parse(row[4]) as Payload);
        }
      });
    },
    async analyze() {
      await pool.query("vacuum analyze leased_row");
    },
    async left() {
      const { rows } = await pool.query("select count(*) as left from leased_row");
      return Number(rows[0].left);
    },
    close: async () => {},
  };
}

function rowOf({ payload, key, headers }: Sample) {
  return { name: "user.created", message_id: randomUUID(), key, payload, headers };
}

function text(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
