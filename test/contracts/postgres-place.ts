import type pg from "pg";
import { StoredMessage } from "../../src/message/stored-message.js";
import { migrate } from "../../src/postgres/migrate.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";

let count = 0;

/** A migrated schema of its own, which is cheaper than a database. */
export async function postgresPlace(pool: pg.Pool) {
  count += 1;
  const schema = `contract_${count}`;
  await migrate(pool, { schema });
  const rows = async (sql: string) => (await pool.query(sql)).rows;
  await rows(`create table ${schema}_effect (id uuid)`);
  return {
    schema,
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
        await tx.query(`insert into ${schema}_effect values ($1)`, [id]);
      },
      written: async () => (await rows(`select id from ${schema}_effect`)).map(({ id }) => id),
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
