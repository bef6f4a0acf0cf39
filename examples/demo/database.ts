import { randomBytes } from "node:crypto";
import { migrate } from "opinionated-events/postgres";
import pg from "pg";

export interface Database {
  readonly url: string;
  readonly pool: pg.Pool;
}

const TABLES = `
  create table webhook (id uuid primary key, event text not null);
  create table rolled_back (id uuid primary key);
  create table handled (
    queue text not null, message_id uuid not null, attempt int not null, process int not null
  );
  create table stats (message_id uuid primary key, event text not null);
  create view dead as
    select queue, id, name, reason->>'code' || ': ' || (reason->>'message') as reason
    from opinionated_events.delivery where state = 'dead';`;

/** Runs `fn` with a database of its own, which is dropped in the end. */
export async function withDatabase<T>(
  serverUrl: string,
  fn: (database: Database) => Promise<T>,
): Promise<T> {
  const name = `opinionated_events_demo_${randomBytes(4).toString("hex")}`;
  await execute(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: name }).href;
  const pool = new pg.Pool({ connectionString: url });
  // A pool has not closed its connections yet when its end resolves: dropping the database does.
  pool.on("error", () => {});
  try {
    await createTables(pool);
    return await fn({ url, pool });
  } finally {
    await pool.end();
    await execute(serverUrl, `drop database ${name} with (force)`);
  }
}

/** The library's schema, and tables of our own. */
export async function createTables(pool: pg.Pool): Promise<void> {
  await migrate(pool);
  await pool.query(TABLES);
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
