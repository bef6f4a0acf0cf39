import pg from "pg";
import { StoredMessage } from "../../src/message/stored-message.js";
import { migrate } from "../../src/postgres/migrate.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import { copyOf, type TestDatabase, testDatabase } from "../support/postgres.js";

/** Not the default, so that no statement relies on that. */
const schema = "contract";

/** What places are copies of: a migrated database, which is quicker than to migrate each. */
export interface PostgresPlaces {
  open(): Promise<PostgresPlace>;
  drop(): Promise<void>;
}

export async function postgresPlaces(): Promise<PostgresPlaces> {
  const { url, drop } = await testDatabase();
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  await migrate(pool, { schema });
  await pool.query("create table effect (id uuid)");
  await pool.end();
  const template = new URL(url).pathname.slice(1);
  return { open: async () => postgresPlace(await copyOf(template)), drop };
}

type PostgresPlace = ReturnType<typeof postgresPlace>;

/** A database of its own. */
function postgresPlace({ url, pool, drop }: TestDatabase) {
  const rows = async (sql: string) => (await pool.query(sql)).rows;
  return {
    url,
    pool,
    schema,
    close: drop,
    async messages(): Promise<StoredMessage[]> {
      const stored = await rows(
        `select id, name, topic, key, payload::text as json, headers::text, published_at, deliver_at
         from ${schema}.message order by position`,
      );
      return stored.map(
        (row) =>
          new StoredMessage({
            ...row,
            key: row.key ?? undefined,
            headersJson: row.headers,
            publishedAt: row.published_at,
            deliverAt: row.deliver_at,
          }),
      );
    },
    deliveries: (state: "dead" | "parked") =>
      rows(`select id, reason->>'message' as reason from ${schema}.delivery
            where state = '${state}' order by position`),
    effects: {
      write: async (tx: SqlClient, id: string) => {
        await tx.query(`insert into effect values ($1)`, [id]);
      },
      written: async () => (await rows(`select id from effect`)).map(({ id }) => id),
    },
    outage: {
      begin: async () => {
        await rows(`alter schema ${schema} rename to ${schema}_away`);
      },
      end: async () => {
        await rows(`alter schema ${schema}_away rename to ${schema}`);
      },
    },
  };
}
