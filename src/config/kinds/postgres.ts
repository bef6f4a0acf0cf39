import pg from "pg";
import { postgresDestination } from "../../destination/postgres.js";
import { checkSchema } from "../../postgres/check.js";
import { Database } from "../../postgres/database.js";
import { migrate } from "../../postgres/migrate.js";
import { postgresSource } from "../../source/postgres/source.js";
import { intervalTrigger, notifyTrigger, type Trigger } from "../../source/postgres/trigger.js";
import type { Clients } from "../clients.js";
import type { SourceConfig } from "../schema/sources.js";
import type { Kind } from "./kind.js";

interface Connection {
  readonly connectionString: string;
  readonly schema: string;
  readonly poolMax: number;
}

export const kind: Kind<"postgres"> = {
  destination: (config, { clients }) =>
    postgresDestination({
      pool: poolOf(config, clients),
      schema: config.schema,
      preparedStatements: config.preparedStatements,
    }),
  source: (config, { clients }) =>
    postgresSource({
      pool: poolOf(config, clients),
      schema: config.schema,
      triggers: triggersOf(config),
      maxWorkers: config.maxWorkers,
      leaseMs: config.leaseMs,
      preparedStatements: config.preparedStatements,
    }),
  async check(config, timeoutMs) {
    await withPool({ ...config, timeoutMs }, (pool) =>
      checkSchema(new Database(pool, config.schema)),
    );
    if (!("notify" in config) || !config.notify || !config.listenConnectionString) return true;
    const direct = { connectionString: config.listenConnectionString, timeoutMs };
    await withPool(direct, async (pool) => (await pool.connect()).release());
    return true;
  },
};

/** Brings the schema up to date; resolves with the names of the migrations that it applied. */
export function migrateSchema(
  config: Pick<Connection, "connectionString" | "schema">,
): Promise<readonly string[]> {
  return withPool(config, (pool) => migrate(pool, { schema: config.schema }));
}

function triggersOf(config: Extract<SourceConfig, { kind: "postgres" }>): readonly Trigger[] {
  const { notify, connectionString, listenConnectionString = connectionString } = config;
  const interval = intervalTrigger(config.intervalMs);
  if (!notify) return [interval];
  return [notifyTrigger({ connectionString: listenConnectionString }), interval];
}

function poolOf({ connectionString, poolMax: max }: Connection, clients: Clients): pg.Pool {
  const options = { connectionString, max };
  return clients.shared(
    { kind: "postgres", ...options },
    () => newPool(options),
    (pool) => pool.end(),
  );
}

function newPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(options);
  // Who uses a connection gets its error; without a listener, that of an idle one would end the process.
  pool.on("error", () => {});
  return pool;
}

async function withPool<T>(
  { connectionString, timeoutMs }: { connectionString: string; timeoutMs?: number },
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const limits = timeoutMs && { connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs };
  const pool = newPool({ connectionString, max: 1, ...limits });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
