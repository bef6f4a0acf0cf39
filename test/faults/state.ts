import type pg from "pg";

/** What a case asks the database, as somebody who looks on. */

/** Messages under lease whose end is not recorded. */
const IN_FLIGHT = `
  select (
    select count(*) from opinionated_events.lease l
    join opinionated_events.batch b using (queue, topic, seq)
    join opinionated_events.message m on m.topic = b.topic and m.position > b.lo and m.position <= b.hi
    where m.position <> all (l.done) and (m.xid = any (b.late)
      or m.xid >= b.lo_mark and m.position > b.lo_head and pg_visible_in_snapshot(m.xid, b.vis))
  ) + (select count(*) from opinionated_events.delivery where token is not null) as count`;

/** Living workers that hold some. */
const BUSY = `
  select count(distinct a.application_name) from pg_stat_activity a
  where a.application_name in (
    select session from opinionated_events.lease
    union select session from opinionated_events.delivery where token is not null)`;

/** What has not come to its end: leases, and rows of messages that are not dead. */
const OPEN = `
  select (select count(*) from opinionated_events.lease)
    + (select count(*) from opinionated_events.delivery where state <> 'dead') as count`;

const ACTIVE = `
  select count(*) from pg_stat_activity
  where datname = current_database() and state = 'active' and application_name = any ($1)`;

const PIDS = `
  select pid from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and application_name <> 'onlooker'`;

const HOLDERS = `
  select token from opinionated_events.lease
  union select token from opinionated_events.delivery where token is not null`;

const LOOKING = `
  select count(*) from pg_stat_activity
  where datname = current_database() and application_name = $1 and query ~ '[.](poll|is_in_flight)[(]'`;

const INSERTED = `
  select count(*) from pg_stat_activity
  where datname = current_database() and application_name = $1 and state = 'idle in transaction'
    and query ~ '[.]append_'`;

const NOBODY_IDLE = `
  select (last_value < extract(epoch from clock_timestamp()) * 1000)::int as count from opinionated_events.idle_until`;

const DEAD = "select id, reason_code as code from opinionated_events.dead_letter";
const COMMITTED = "select id from opinionated_events.message";
const REMEMBERED = "select id from remembered";
/** What was committed, also after the log has forgotten it. */
const REMEMBER = `
  create table remembered (id uuid primary key);
  create function remember() returns trigger language plpgsql as $$ begin insert into remembered values (new.id); return null; end $$;
  create trigger remember after insert on opinionated_events.message for each row execute function remember()`;

async function count(pool: pg.Pool, sql: string, values: unknown[] = []): Promise<number> {
  return Number((await pool.query(sql, values)).rows[0].count);
}

export const countInFlight = (pool: pg.Pool) => count(pool, IN_FLIGHT);
export const countBusy = (pool: pg.Pool) => count(pool, BUSY);
export const countOpen = (pool: pg.Pool) => count(pool, OPEN);
export const countActive = (pool: pg.Pool, names: readonly string[]) =>
  count(pool, ACTIVE, [names]);

export async function rememberIds(pool: pg.Pool): Promise<void> {
  await pool.query(REMEMBER);
}

/** The ids in the log; or all that ever were, if they are remembered. */
export async function committedIds(pool: pg.Pool, isRemembered: boolean): Promise<string[]> {
  const text = isRemembered ? REMEMBERED : COMMITTED;
  const { rows } = await pool.query({ text, rowMode: "array" });
  return rows.map(([id]) => id);
}

/** Of each dead message the reason's code. */
export async function deadIds(pool: pg.Pool): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query(DEAD);
  return new Map(rows.map(({ id, code }) => [id, code]));
}

/** The server processes of all connections but ours. */
export async function backendPids(pool: pg.Pool): Promise<number[]> {
  return (await pool.query(PIDS)).rows.map(({ pid }) => pid);
}

/** The tokens of everything under lease. */
export async function leaseTokens(pool: pg.Pool): Promise<string[]> {
  return (await pool.query(HOLDERS)).rows.map(({ token }) => token);
}

/** The worker of that name has looked for work, last of all that it did on some connection. */
export async function isLooking(pool: pg.Pool, name: string): Promise<boolean> {
  return (await count(pool, LOOKING, [name])) > 0;
}

/** A publisher has inserted, and has not committed. */
export async function hasInserted(pool: pg.Pool, name: string): Promise<boolean> {
  return (await count(pool, INSERTED, [name])) > 0;
}

/** No receiver has asked publishers to notify. */
export async function isNobodyIdle(pool: pg.Pool): Promise<boolean> {
  return (await count(pool, NOBODY_IDLE)) > 0;
}
