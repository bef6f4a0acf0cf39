import type { SqlClient } from "../../src/transaction/sql-client.js";

/** Rows of the application whose lock serialises publishers, and as many keys. */
export const KEYS = 12;

const COLUMNS = "id uuid, topic text, name text, key text, payload json";
const INSERT = `insert into opinionated_events.message (id, topic, name, key, payload)
  values (new.id, new.topic, new.name, new.key, new.payload)`;

/** The tables of an application: one with entities, two whose triggers publish. */
export async function createBusinessTables(client: SqlClient): Promise<void> {
  await client.query("create table entity (key text primary key, version int not null)");
  await client.query("insert into entity select 'k' || n, 0 from generate_series(1, $1::int) n", [
    KEYS,
  ]);
  await client.query("create table noise (n int)");
  await client.query(`create table triggered (${COLUMNS})`);
  await client.query(`create table deferred (${COLUMNS})`);
  await client.query(
    `create function publish() returns trigger language plpgsql as $$ begin ${INSERT}; return null; end $$`,
  );
  await client.query(
    "create trigger publish after insert on triggered for each row execute function publish()",
  );
  await client.query(
    `create constraint trigger publish after insert on deferred deferrable initially deferred
      for each row execute function publish()`,
  );
}
