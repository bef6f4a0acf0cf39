import { readdirSync, readFileSync } from "node:fs";
import { EventsError } from "../message/errors.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { acquire } from "./acquire.js";
import type { PgPool } from "./database.js";
import { qualify, validSchema } from "./schema.js";

const FOLDER = new URL("../../migrations/", import.meta.url);

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations that this version of the package ships, oldest first. */
export function migrations(schema: string): readonly Migration[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({
      version: Number.parseInt(name, 10),
      name,
      sql: qualify(readFileSync(new URL(name, FOLDER), "utf8"), schema),
    }));
}

/**
 * Brings a schema (default `opinionated_events`) up to date and resolves with the names of the migrations that it
 * applied. May be run by several processes at once: they take turns. All or nothing; `MIGRATION_FAILED` if one fails,
 * `POOL_EXHAUSTED`.
 * After a restore into another cluster it also rebases the log, which must happen before anything is published there.
 */
export async function migrate(
  pool: PgPool,
  options: { schema?: string } = {},
): Promise<readonly string[]> {
  const schema = validSchema(options.schema);
  const client = await acquire(pool);
  let broken = true;
  try {
    const applied = await applyMissing(client, schema);
    await rebaseIfRestored(client, schema);
    broken = false;
    return applied;
  } finally {
    client.release(broken);
  }
}

async function applyMissing(client: SqlClient, schema: string): Promise<readonly string[]> {
  await client.query("begin isolation level read committed");
  try {
    // The lock comes first: even "create schema if not exists" fails when two do it at once.
    await client.query("select pg_advisory_xact_lock(hashtext($1), hashtext($2))", [
      "opinionated_events.migrate",
      schema,
    ]);
    await client.query(`create schema if not exists "${schema}"`);
    await client.query(
      `create table if not exists "${schema}".migration (
        version int primary key, name text not null, applied_at timestamptz not null default clock_timestamp())`,
    );
    const { rows } = await client.query(`select version from "${schema}".migration`);
    const present = new Set(rows.map((row) => row.version));
    const missing = migrations(schema).filter(({ version }) => !present.has(version));
    for (const migration of missing) await apply(client, schema, migration);
    await client.query("commit");
    return missing.map(({ name }) => name);
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the connection is destroyed, and with it the transaction
    throw error;
  }
}

async function apply(
  client: SqlClient,
  schema: string,
  { version, name, sql }: Migration,
): Promise<void> {
  try {
    await client.query(sql);
    await client.query(`insert into "${schema}".migration (version, name) values ($1, $2)`, [
      version,
      name,
    ]);
  } catch (error) {
    const text = `Migration ${name} failed in schema ${schema}: ${(error as Error).message}. Nothing was applied.`;
    throw new EventsError("MIGRATION_FAILED", text, { cause: error });
  }
}

async function rebaseIfRestored(client: SqlClient, schema: string): Promise<void> {
  const { rows } = await client.query(
    qualify("select opinionated_events.is_restored() as restored", schema),
  );
  if (rows[0]?.restored === true)
    await client.query(qualify("select opinionated_events.rebase()", schema));
}
