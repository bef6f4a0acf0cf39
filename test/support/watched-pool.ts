import type pg from "pg";
import type { PgPool } from "../../src/postgres/database.js";

type Run = () => Promise<pg.QueryResult>;

/** A pool whose statements pass through `around`. */
export function watchedPool(
  pool: pg.Pool,
  around: (text: string, run: Run) => Promise<pg.QueryResult>,
): PgPool {
  return {
    async connect() {
      const client = await pool.connect();
      return {
        query: (query: string | pg.QueryConfig, values?: unknown[]) =>
          around(typeof query === "string" ? query : query.text, () => client.query(query, values)),
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event, listener),
        off: (event, listener) => client.off(event, listener),
      };
    },
  };
}
