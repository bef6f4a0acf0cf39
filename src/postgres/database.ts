import { EventsError } from "../message/errors.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { qualify, validSchema } from "./schema.js";

/** A statement, written for the default schema, and the name it is prepared under. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A result column as the server sent it. */
export type Cell = string | null;

/** What we ask of a `pg.Pool`. */
export interface PgPool extends SqlClient {
  // biome-ignore lint/suspicious/noExplicitAny: pg's own type of a query config and its rows
  query(...args: any[]): Promise<{ rows: any[] }>;
  connect(): Promise<SqlClient & { release(destroy?: boolean | Error): void }>;
}

const asText = { getTypeParser: () => (value: unknown) => value };

/** One schema of one database, reached through the user's pool. */
export class Database {
  readonly schema: string;
  readonly #pool: PgPool;
  readonly #prepared = new Map<Statement, { name: string; text: string }>();

  constructor(pool: PgPool, schema?: string) {
    this.#pool = pool;
    this.schema = validSchema(schema);
  }

  /** Runs a prepared statement in a transaction of its own. Rows are arrays of text. */
  async run(statement: Statement, values: readonly unknown[]): Promise<Cell[][]> {
    try {
      const query = { ...this.#prepare(statement), values, rowMode: "array", types: asText };
      return (await this.#pool.query(query)).rows;
    } catch (error) {
      throw explain(error);
    }
  }

  #prepare(statement: Statement): { name: string; text: string } {
    let prepared = this.#prepared.get(statement);
    if (prepared === undefined) {
      const text = qualify(statement.text, this.schema);
      prepared = { name: `${this.schema}.${statement.name}`, text };
      this.#prepared.set(statement, prepared);
    }
    return prepared;
  }
}

const MISSING = new Set(["3F000", "42P01", "42883"]);

/** The coded error that a server's error stands for, or the error itself. */
export function explain(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "25000") {
    const text = `${message}: set default_transaction_isolation to 'read committed' for the receiver's connections.`;
    return new EventsError("ISOLATION_LEVEL", text, { cause: error });
  }
  if (MISSING.has(String(code))) {
    return new EventsError("SCHEMA_MISSING", `${message}: run migrate(pool, { schema }).`, {
      cause: error,
    });
  }
  return error;
}
