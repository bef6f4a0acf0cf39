import type { Pool } from "pg";
import { queues } from "./handlers.js";

interface QueueReport {
  /** Committed messages that the queue reads. */
  readonly committed: number;
  /** Different messages that its handler has finished. */
  readonly handled: number;
  readonly dead: number;
  /** Committed, and neither handled nor dead: lost. */
  readonly missing: number;
  /** Handled or dead, and never committed. */
  readonly phantom: number;
  /** Handled at a later attempt than the first. */
  readonly retried: number;
  /** Handled once more than needed, as at-least-once delivery allows. */
  readonly repeated: number;
}

interface DeadLetters {
  readonly queue: string;
  readonly name: string;
  readonly reason: string;
  readonly count: number;
}

export interface Report {
  /** Nothing was lost, made up or left over. */
  readonly ok: boolean;
  readonly queues: Readonly<Record<string, QueueReport>>;
  /** Of the log of messages, against the business rows. */
  readonly log: { readonly committed: number; readonly missing: number; readonly phantom: number };
  /** Of the transactions that were rolled back: how many, and how many have left a trace. */
  readonly rolledBack: { readonly total: number; readonly traces: number };
  /** Messages in the effect of the idempotent handler. */
  readonly counted: number;
  /** Batches and deliveries that are not finished. */
  readonly open: number;
  readonly deadLetters: readonly DeadLetters[];
}

/** Compares what was committed with what was handled, from the database alone. */
export async function reconcile(pool: Pool): Promise<Report> {
  const reports: Record<string, QueueReport> = {};
  for (const name of Object.keys(queues)) reports[name] = await reconcileQueue(pool, name);
  const [totals] = (await pool.query(TOTALS)).rows;
  const { rows: deadLetters } = await pool.query(DEAD_LETTERS);
  const { log, rolledBack, counted, open } = totals;
  const checks = [
    ...Object.values(reports).flatMap(({ missing, phantom }) => [missing, phantom]),
    ...[log.missing, log.phantom, rolledBack.traces, open, counted - log.committed],
  ];
  const ok = checks.every((count) => count === 0);
  return { ok, queues: reports, log, rolledBack, counted, open, deadLetters };
}

async function reconcileQueue(pool: Pool, name: string): Promise<QueueReport> {
  const { rows } = await pool.query(QUEUE, [name, queues[name]?.patterns]);
  return rows[0];
}

const QUEUE = `
  with committed as (
    select id from webhook
    where 'github.' || event = any ($2::text[]) or $2::text[] && '{*,github.*}'
  ), handled as (
    select message_id as id, count(*) - 1 as repeats, max(attempt) as attempt
    from handled where queue = $1 group by message_id
  ), dead as (
    select id from public.dead where queue = $1
  ), missing as (
    select id from committed except select id from handled except select id from dead
  ), phantom as (
    (select id from handled union select id from dead) except select id from committed
  )
  select
    (select count(*) from committed)::int as committed,
    (select count(*) from handled)::int as handled,
    (select count(*) from dead)::int as dead,
    (select count(*) from missing)::int as missing,
    (select count(*) from phantom)::int as phantom,
    (select count(*) from handled where attempt > 1)::int as retried,
    (select coalesce(sum(repeats), 0) from handled)::int as repeated`;

const TOTALS = `
  with log as (
    select id from opinionated_events.message
  ), traces as (
    select id from rolled_back where id in (
      select id from webhook union all select id from log union all
      select message_id from handled union all select id from opinionated_events.delivery union all
      select id from dead)
  )
  select
    json_build_object(
      'committed', (select count(*) from webhook),
      'missing', (select count(*) from (select id from webhook except select id from log) as m),
      'phantom', (select count(*) from (select id from log except select id from webhook) as p)
    ) as log,
    json_build_object(
      'total', (select count(*) from rolled_back), 'traces', (select count(*) from traces)
    ) as "rolledBack",
    (select count(*) from stats)::int as counted,
    ((select count(*) from opinionated_events.delivery where state <> 'dead')
      + (select count(*) from opinionated_events.lease))::int as open`;

const DEAD_LETTERS = `
  select queue, name, reason, count(*)::int from dead group by 1, 2, 3 order by 1, 2, 3`;
