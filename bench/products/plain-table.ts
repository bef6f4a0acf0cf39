import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { newId } from "../../src/message/id.js";
import type { Place } from "../harness/scenario.js";
import type { Opened, Payload, Product, Sample } from "./product.js";

/** The columns, indexes and deduplication of our log, in a table without partitions, triggers or functions. */
const CREATE = `
  create sequence if not exists plain_position cache 1;
  create table if not exists plain_message (
    xid xid8 not null default pg_current_xact_id(),
    position bigint not null default nextval('plain_position'),
    published_at timestamptz not null default clock_timestamp(),
    deliver_at timestamptz,
    id uuid not null,
    segment smallint not null default 0,
    topic text collate "C" not null,
    name text collate "C" not null,
    key text,
    payload json not null,
    headers json
  );
  create index if not exists plain_message_position on plain_message (topic, position, hashtext(name));
  create index if not exists plain_message_xid on plain_message (topic, xid, position);
  create unique index if not exists plain_message_id on plain_message (id)`;

const INSERT = `
  insert into plain_message (id, topic, name, key, payload, headers) values ($1, 'user', 'user.created', $2, $3, $4)
  on conflict do nothing`;

const INSERT_BATCH = {
  name: "insert_batch",
  text: `
    insert into plain_message (id, topic, name, key, payload, headers)
    select id, 'user', 'user.created', key, payload, headers
    from json_to_recordset($1) as m (id uuid, key text, payload json, headers json)
    on conflict do nothing`,
};

// In the order of the transactions, of which none may still be open: nothing is skipped.
const READ = {
  name: "read",
  text: `
    select xid, position, payload::text from plain_message
    where topic = 'user' and (xid, position) > ($1, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by topic, xid, position limit 500`,
};

const POLL_MS = 10;

/** Prepared statements write it. It is read by polling, from a cursor that is only kept in memory. */
export const plainTable: Product = {
  name: "same table, raw SQL",
  role: "floor",
  open: (place) => open(place, INSERT),
};

export const plainTableWithNotify: Product = {
  name: "same table, raw SQL, with NOTIFY",
  role: "bare",
  open: (place) =>
    open(place, `with stored as (${INSERT}) select pg_notify('plain_message', '')`, "listen"),
};

async function open({ pool }: Place, insert: string, listen?: "listen"): Promise<Opened> {
  await pool.query(CREATE);
  return {
    async publishIn(client, { payload, key, headers }) {
      const values = [newId(), key ?? null, JSON.stringify(payload), textOf(headers)];
      await client.query({ name: "insert", text: insert, values });
    },
    async publishBatch(samples) {
      await pool.query({ ...INSERT_BATCH, values: [JSON.stringify(samples.map(rowOf))] });
    },
    async consume(handle) {
      const listener = listen && (await listening(pool));
      let stopped = false;
      const running = reading(pool, handle, () => stopped);
      return {
        async stop() {
          stopped = true;
          await running;
          listener?.release(true);
        },
      };
    },
    async analyze() {
      await pool.query("vacuum analyze plain_message");
    },
    async left() {
      const { rows } = await pool.query("select count(*) as left from plain_message");
      return Number(rows[0].left);
    },
    close: async () => {},
  };
}

async function reading(
  pool: pg.Pool,
  handle: (payload: Payload) => void | Promise<void>,
  isStopped: () => boolean,
): Promise<void> {
  let cursor = ["0", "0"];
  while (!isStopped()) {
    const { rows } = await pool.query({ ...READ, values: cursor, rowMode: "array" });
    for (const row of rows) await handle(JSON.parse(row[2]));
    cursor = rows.at(-1)?.slice(0, 2) ?? cursor;
    if (rows.length < 500) await sleep(POLL_MS);
  }
}

/** Only so that somebody does: what it hears is not needed. */
async function listening(pool: pg.Pool): Promise<pg.PoolClient> {
  const client = await pool.connect();
  await client.query("listen plain_message");
  return client;
}

function rowOf({ payload, key, headers }: Sample) {
  return { id: newId(), key, payload, headers };
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
