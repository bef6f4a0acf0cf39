import { EventsError } from "../message/errors.js";
import { assertInteger, assertOptions } from "../message/options.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { acquire } from "./acquire.js";
import type { PgPool } from "./database.js";
import { describeHolder } from "./lock-holder.js";
import { type Migration, migrations } from "./migrations.js";
import { isLocked, patiently } from "./patience.js";
import { rebaseStatement } from "./rebase.js";
import { qualify, validSchema } from "./schema.js";

/** How long a statement of a migration waits for a lock, in ms: so long do publishers wait behind it. */
const LOCK_TIMEOUT_MS = 100;

export interface MigrateOptions {
  /** Default `opinionated_events`. */
  readonly schema?: string;
  /** How long it tries to get its locks, in ms, while other transactions hold them. Default 60,000. */
  readonly timeoutMs?: number;
}

/**
 * Brings a schema up to date and resolves with the names of the migrations that it applied. May be run by several processes
 * at once: they take turns; and while others publish and receive: it never waits for a lock for longer than 100 ms, but tries
 * again. Each migration is all or nothing; `MIGRATION_FAILED` if one fails, or can't have its locks, `POOL_EXHAUSTED`.
 * A log that was restored from another cluster is rebased as well, as a receiver does when it starts.
 */
export async function migrate(
  pool: PgPool,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  assertOptions(options, ["schema", "timeoutMs"], "migrate");
  const { timeoutMs = 60_000 } = options;
  const schema = validSchema(options.schema);
  assertInteger("timeoutMs", timeoutMs, 0);
  const client = await acquire(pool);
  let broken = true;
  try {
    const applied = await applyAll(client, schema, migrations(schema), timeoutMs);
    await failing(client, schema, "rebase", () =>
      patiently(timeoutMs, () => client.query(qualify(rebaseStatement, schema))),
    );
    broken = false;
    return applied;
  } finally {
    client.release(broken);
  }
}

export async function applyAll(
  client: SqlClient,
  schema: string,
  all: readonly Migration[],
  timeoutMs: number,
): Promise<readonly string[]> {
  await inTurn(client, schema, () => prepare(client, schema));
  const applied: string[] = [];
  for (const migration of all) {
    const isApplied = await failing(client, schema, migration.name, () =>
      patiently(timeoutMs, () => inTurn(client, schema, () => apply(client, schema, migration))),
    );
    if (isApplied) applied.push(migration.name);
  }
  return applied;
}

/** In a transaction; all processes that migrate the schema wait for each other, but not for long for anybody else. */
async function inTurn<T>(client: SqlClient, schema: string, work: () => Promise<T>): Promise<T> {
  await client.query("begin isolation level read committed");
  try {
    // This lock comes first: even "create schema if not exists" fails when two do it at once.
    await client.query("select pg_advisory_xact_lock(hashtext($1), hashtext($2))", [
      "opinionated_events.migrate",
      schema,
    ]);
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the connection is destroyed, and with it the transaction
    throw error;
  }
}

async function prepare(client: SqlClient, schema: string): Promise<void> {
  await client.query(`create schema if not exists "${schema}"`);
  await client.query(
    `create table if not exists "${schema}".migration (
      version int primary key, name text not null, applied_at timestamptz not null default clock_timestamp(),
      compatible_from int not null default 0)`,
  );
}

/** False if it is there already. */
async function apply(
  client: SqlClient,
  schema: string,
  { version, name, sql, compatibleFrom }: Migration,
): Promise<boolean> {
  const table = `"${schema}".migration`;
  const { rows } = await client.query(`select from ${table} where version = $1`, [version]);
  if (rows.length > 0) return false;
  await client.query(sql);
  await client.query(`insert into ${table} (version, name, compatible_from) values ($1, $2, $3)`, [
    version,
    name,
    compatibleFrom,
  ]);
  return true;
}

async function failing<T>(
  client: SqlClient,
  schema: string,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const holder = isLocked(error) ? await describeHolder(client, schema) : "";
    const text = `Migration ${name} failed in schema ${schema}: ${(error as Error).message}${holder}. Nothing of it was applied; what came before it was.`;
    throw new EventsError("MIGRATION_FAILED", text, { cause: error });
  }
}
