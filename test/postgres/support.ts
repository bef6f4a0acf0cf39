import type pg from "pg";
import { expect } from "vitest";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { migrate } from "../../src/postgres/migrate.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { constantBackoff, withBackoff } from "../../src/receiver/middleware/backoff.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { type PostgresSourceOptions, postgresSource } from "../../src/source/postgres/source.js";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import { silent } from "../receiver/support.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";

/** A migrated database, of the run's server if none is given, with a publisher, and receivers that are stopped at its end. */
export async function engine(given?: TestDatabase, schema = DEFAULT_SCHEMA) {
  const database = given ?? (await migratedDatabase());
  const { pool, url } = database;
  await migrate(pool, { schema });
  const receivers: Receiver[] = [];
  return {
    ...database,
    publisher: new Publisher({ bridge: syncBridge([postgresDestination({ pool, schema })]) }),
    notify: () => notifyTrigger({ connectionString: url }),
    /** Listens, and looks every 50 ms. Failed attempts are tried again after 10 ms. */
    receiver(
      options: Partial<PostgresSourceOptions> = {},
      onError?: (error: unknown) => void,
    ): Receiver {
      const triggers = [notifyTrigger({ connectionString: url }), intervalTrigger(50)];
      const source = postgresSource({ pool, schema, triggers, ...options });
      const receiver = new Receiver({ source, logger: silent, ...(onError && { onError }) });
      receivers.push(receiver.use(withBackoff(constantBackoff(10))));
      return receiver;
    },
    async close() {
      await Promise.all(receivers.map((receiver) => receiver.stop({ deadlineMs: 0 })));
      await database.drop();
    },
  };
}

export type Engine = Awaited<ReturnType<typeof engine>>;

/** Waits until the condition holds; the test's own timeout is the bound. */
export function until(condition: () => void | Promise<void>): Promise<void> {
  return expect
    .poll(
      async () => {
        await condition();
        return true;
      },
      { timeout: 25_000, interval: 10 },
    )
    .toBe(true);
}

export async function rows(pool: pg.Pool, sql: string, values: unknown[] = []) {
  return (await pool.query(sql, values)).rows;
}

/** The rows of what could not finish inside a batch, oldest message first. */
export function deliveries({ pool }: TestDatabase) {
  return rows(
    pool,
    "select queue, name, state, attempt, lost, reason from opinionated_events.delivery order by position, queue",
  );
}

export const idOf = ({ id }: { id: string }): string => id;
