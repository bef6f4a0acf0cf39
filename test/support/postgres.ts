import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Ends the pool and drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** A new, empty database on the run's server. Call it in `beforeAll`, and `drop` in `afterAll`. */
export function testDatabase(): Promise<TestDatabase> {
  return copyOf("template1");
}

/** As `testDatabase`, but with the schema of the migrations: a copy, which is quicker than to run them. */
export function migratedDatabase(): Promise<TestDatabase> {
  return copyOf(inject("migratedDatabase"));
}

/** A copy of a database to which nobody is connected. */
export async function copyOf(template: string): Promise<TestDatabase> {
  const serverUrl = inject("databaseUrl");
  if (!serverUrl) throw new Error("No PostgreSQL: the start of the run's output says why.");

  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(serverUrl, `create database ${name} template ${template}`);
  const url = Object.assign(new URL(serverUrl), { pathname: name }).href;
  const pool = testPool(url);
  const drop = async () => {
    await pool.end();
    await execute(serverUrl, `drop database ${name} with (force)`);
  };
  return { url, pool, drop };
}

/** `end` resolves before its sockets are closed, so that a forced drop still reaches the pool as an error. */
function testPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  return pool;
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
