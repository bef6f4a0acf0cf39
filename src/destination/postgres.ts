import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import { appendCopied, type CopyFrom } from "../postgres/copy.js";
import type { PgPool } from "../postgres/database.js";
import { append } from "../postgres/log.js";
import { validSchema } from "../postgres/schema.js";
import type { SqlClient } from "../transaction/sql-client.js";
import type { DeliverResult, Destination } from "./destination.js";

const STORED: DeliverResult = Object.freeze({ status: "stored" });
const DUPLICATE: DeliverResult = Object.freeze({ status: "duplicate" });

export interface PostgresDestinationOptions {
  /** A `pg.Pool`, or anything like it. Used where there is no transaction of the caller. */
  readonly pool: SqlClient;
  /** Default `opinionated_events`. */
  readonly schema?: string;
  /**
   * Publishes with prepared statements, which the server parses once a connection: a fifth of what a publish of one message costs it.
   * Default false, since names get lost in poolers in transaction mode that don't follow them, as PgBouncer before 1.21.
   * Pool and transactions have to be of node-postgres.
   */
  readonly preparedStatements?: boolean;
  /**
   * `from` of pg-copy-streams: outside a transaction, 100 messages and more are then stored by COPY, in two thirds to four fifths of the
   * time. The pool has to be of node-postgres.
   */
  readonly copyFrom?: CopyFrom;
}

/**
 * Stores messages in the log of a schema: one statement a batch, in the caller's transaction if there is one. A message
 * whose id is there already is a `duplicate`, and so is one whose dedup key was taken within its window.
 *
 * @throws EventsError `INVALID_OPTIONS`
 */
export function postgresDestination(options: PostgresDestinationOptions): Destination {
  const { pool, preparedStatements, copyFrom } = options;
  const schema = validSchema(options.schema);
  const copy = copyFrom && copier(pool, schema, copyFrom);
  return {
    name: `postgres:${schema}`,
    capabilities: { transactional: true, ordered: true, dedupKeys: true, maxBatch: 1_000 },
    async deliver(batch, { tx }) {
      if (!tx && (await copy?.(batch))) return batch.map(() => STORED);
      const stored = await append(tx ?? pool, schema, batch, preparedStatements);
      return batch.map(({ id }) => (stored.delete(id) ? STORED : DUPLICATE));
    },
  };
}

function copier(pool: SqlClient | PgPool, schema: string, copyFrom: CopyFrom) {
  if ("connect" in pool)
    return (batch: readonly Message[]) => appendCopied(pool, schema, batch, copyFrom);
  const text = "A Postgres destination with copyFrom needs a pg.Pool, whose clients can copy.";
  throw new EventsError("INVALID_OPTIONS", text);
}
