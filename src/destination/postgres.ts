import { append } from "../postgres/log.js";
import { validSchema } from "../postgres/schema.js";
import type { SqlClient } from "../transaction/sql-client.js";
import type { Destination } from "./destination.js";

export interface PostgresDestinationOptions {
  /** A `pg.Pool`, or anything like it. Used where there is no transaction of the caller. */
  readonly pool: SqlClient;
  /** Default `opinionated_events`. */
  readonly schema?: string;
}

/**
 * Stores messages in the log of a schema: one statement a batch, in the caller's transaction if there is one. A message
 * whose id is there already is a `duplicate`, and so is one whose dedup key was taken within its window.
 */
export function postgresDestination(options: PostgresDestinationOptions): Destination {
  const schema = validSchema(options.schema);
  return {
    name: `postgres:${schema}`,
    capabilities: { transactional: true, ordered: true, dedupKeys: true, maxBatch: 1_000 },
    async deliver(batch, { tx }) {
      const stored = await append(tx ?? options.pool, schema, batch);
      return batch.map(({ id }) => ({ status: stored.delete(id) ? "stored" : "duplicate" }));
    },
  };
}
