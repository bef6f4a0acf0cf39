import type { SqlClient } from "../transaction/sql-client.js";

const oldestStatement = `
  select a.pid, coalesce(nullif(a.application_name, ''), 'without a name') as name, a.xact_start
  from pg_locks l
  join pg_class c on c.oid = l.relation
  join pg_stat_activity a on a.pid = l.pid
  where l.database = (select oid from pg_database where datname = current_database())
    and l.granted and l.pid <> pg_backend_pid() and c.relnamespace = $1::regnamespace
  order by a.xact_start limit 1`;

/** Says who holds locks on the schema's tables, the oldest transaction; nothing if nobody does any more. */
export async function describeHolder(client: SqlClient, schema: string): Promise<string> {
  const { rows } = await client.query(oldestStatement, [schema]).catch(() => ({ rows: [] }));
  const [holder] = rows;
  if (!holder) return "";
  const {
    pid,
    name,
    xact_start: since,
  } = holder as { pid: number; name: string; xact_start: Date };
  return ` (the transaction of process ${pid}, ${name}, holds locks since ${since.toISOString()}: wait for it or end it, and run it again)`;
}
