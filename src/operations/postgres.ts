import { assertOptions } from "../message/options.js";
import { Database, type PgPool } from "../postgres/database.js";
import type { DeadLetters } from "./dead-letters.js";
import { PostgresDeadLetters } from "./postgres-dead-letters.js";
import { postgresRetention, type Retention } from "./retention.js";

export interface PostgresOperationsOptions {
  readonly pool: PgPool;
  /** Default `opinionated_events`. */
  readonly schema?: string;
}

/** What operators do with a Postgres schema: each member is one capability, in a file of its own. */
export interface PostgresOperations {
  readonly deadLetters: DeadLetters;
  readonly retention: Retention;
}

/** Throws `INVALID_OPTIONS`, `INVALID_SCHEMA`. Needs no receiver to run. */
export function postgresOperations(options: PostgresOperationsOptions): PostgresOperations {
  assertOptions(options, ["pool", "schema"], "operations");
  const db = new Database(options.pool, options.schema);
  return { deadLetters: new PostgresDeadLetters(db), retention: postgresRetention(db) };
}
