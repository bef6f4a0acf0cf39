import type pg from "pg";
import type { PgPool } from "../../src/postgres/database.js";

type Run = () => Promise<pg.QueryResult>;

/** A pool whose statements pass through `around`. */
export function watchedPool(
  pool: pg.Pool,
  around: (text: string, run: Run, values: readonly unknown[]) => Promise<pg.QueryResult>,
): PgPool {
  return {
    async connect() {
      const client = await pool.connect();
      return {
        query: (query: string | pg.QueryConfig, values?: unknown[]) => {
          const config = typeof query === "string" ? { text: query, values: values ?? [] } : query;
          return around(config.text, () => client.query(config), config.values ?? []);
        },
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event, listener),
        off: (event, listener) => client.off(event, listener),
      };
    },
  };
}
