import type pg from "pg";
import { StoredMessage } from "../../src/message/stored-message.js";
import { migrate } from "../../src/postgres/migrate.js";

let count = 0;

/** A migrated schema of its own, which is cheaper than a database. */
export async function postgresPlace(pool: pg.Pool) {
  count += 1;
  const schema = `contract_${count}`;
  await migrate(pool, { schema });
  const rows = async (sql: string) => (await pool.query(sql)).rows;
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
