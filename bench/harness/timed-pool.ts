import type pg from "pg";
import type { PgPool } from "../../src/postgres.js";

/** A pool that sums up how long its statements take. */
export class TimedPool {
  readonly pool: PgPool;
  /** Milliseconds of all statements that have ended. */
  busyMs = 0;

  constructor(pool: pg.Pool) {
    this.pool = {
      options: pool.options,
      connect: async () => {
        const client = await pool.connect();
        return {
          query: (config: pg.QueryConfig) => this.#time(() => client.query(config)),
          release: (destroy) => client.release(destroy),
          on: (event, listener) => client.on(event, listener),
          off: (event, listener) => client.off(event, listener),
        };
      },
    };
  }

  async #time<T>(run: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await run();
    } finally {
      this.busyMs += performance.now() - startedAt;
    }
  }
}
