import { createHash } from "node:crypto";
import { EventsError } from "../message/errors.js";
import type { ConnectingPool } from "../transaction/connect.js";
import type { TransactionClient } from "../transaction/transaction.js";
import { acquire } from "./acquire.js";
import { qualify, validSchema } from "./schema.js";

/** A result column as the server sent it. */
export type Cell = string | null;

/** A connection of a pool. */
export interface PgClient extends TransactionClient {
  // biome-ignore lint/suspicious/noExplicitAny: pg's own type of a query config and its rows
  query(...args: any[]): Promise<{ rows: any[]; command?: string }>;
}

/** What we ask of a `pg.Pool`. */
export interface PgPool extends ConnectingPool<PgClient> {
  readonly options?: { readonly max?: number | undefined };
  on?(event: "error", listener: (error: Error) => void): unknown;
  off?(event: "error", listener: (error: Error) => void): unknown;
}

const asText = { getTypeParser: () => (value: unknown) => value };

/** One schema of one database, reached through the user's pool. */
export class Database {
  readonly schema: string;
  readonly #pool: PgPool;
  readonly #prepares: boolean;

  /** `prepares`: statements have names, which a connection keeps (docs/decisions/pooler.md). */
  constructor(pool: PgPool, schema?: string, prepares = false) {
    this.#pool = pool;
    this.schema = validSchema(schema);
    this.#prepares = prepares;
  }

  /** How many connections the pool has at the most; infinite if it doesn't say. */
  get maxConnections(): number {
    return this.#pool.options?.max ?? Number.POSITIVE_INFINITY;
  }

  /** A connection of the pool, to be released by the caller. Rejects with `POOL_EXHAUSTED`. */
  connect(): Promise<PgClient> {
    return acquire(this.#pool);
  }

  /**
   * Runs a statement, written for the default schema, in a transaction of its own. Rows are arrays of text. Rejects with
   * `POOL_EXHAUSTED`, too.
   */
  async run(sql: string, values: readonly unknown[]): Promise<Cell[][]> {
    const text = qualify(sql, this.schema);
    const name = this.#prepares ? nameOf(text) : undefined;
    const client = await this.connect();
    // Without a listener, a lost connection would end the process.
    client.on?.("error", ignore);
    let broken = true;
    try {
      const { rows } = await client.query({ name, text, values, rowMode: "array", types: asText });
      broken = false;
      return rows;
    } catch (error) {
      throw explain(error);
    } finally {
      client.release(broken);
      client.off?.("error", ignore);
    }
  }
}

function ignore(): void {}

const names = new Map<string, string>();

/** Of few texts, and the same in each process: a pooler may give one's connection to the next. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known) return known;
  const name = `opinionated_events_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
  names.set(text, name);
  return name;
}

/** A schema, table, function or column. */
const MISSING = new Set(["3F000", "42P01", "42883", "42703"]);
/** Raised by what moves cursors. */
const FOREIGN = "OE004";

/** The coded error that a server's error stands for, or the error itself. */
export function explain(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "25000") {
    const text = `${message}: set default_transaction_isolation to 'read committed' for the receiver's connections.`;
    return new EventsError("ISOLATION_LEVEL", text, { cause: error });
  }
  if (MISSING.has(String(code))) {
    const text = `${message}: run migrate(pool, { schema }), or update the package if the schema is newer.`;
    return new EventsError("SCHEMA_MISSING", text, { cause: error });
  }
  if (code === FOREIGN) {
    const text = `${message}: a receiver does it when it starts, and so does migrate(pool, { schema }).`;
    return new EventsError("CLUSTER_CHANGED", text, { cause: error });
  }
  return error;
}
