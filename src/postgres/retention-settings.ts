import { fromStored } from "../message/time.js";
import type { Database } from "./database.js";

const getStatement = "select extract(epoch from keep) * 1000 from opinionated_events.retention";
const setStatement = "update opinionated_events.retention set keep = $1::float8 * interval '1 ms'";
const limitStatement = `update opinionated_events.queue
  set max_age = $2::float8 * interval '1 ms', max_bytes = $3 where name = $1 returning name`;
const segmentsStatement =
  "select number, opened_at, closed_at, is_due, bytes from opinionated_events.segments order by opened_at";
const droppedStatement = `select queue, topic, name, messages, first_published_at, last_published_at, dropped_at
  from opinionated_events.dropped where queue = $1 order by dropped_at, name`;

export async function keepMs(db: Database): Promise<number> {
  const [row] = await db.run(getStatement, []);
  return Number(row?.[0]);
}

export async function setKeepMs(db: Database, ms: number): Promise<void> {
  await db.run(setStatement, [ms]);
}

/** Null is no limit. False if there is no such queue. */
export async function limitQueue(
  db: Database,
  queue: string,
  { maxAgeMs, maxBytes }: { maxAgeMs: number | null; maxBytes: number | null },
): Promise<boolean> {
  return (await db.run(limitStatement, [queue, maxAgeMs, maxBytes])).length > 0;
}

/** A part of the log, which is emptied as a whole. */
export interface Segment {
  readonly number: number;
  readonly openedAt: Date;
  /** Undefined while it is written to. */
  readonly closedAt: Date | undefined;
  /** The time that its messages are kept is over. */
  readonly isDue: boolean;
  /** On disk, its indexes included. */
  readonly bytes: number;
}

/** Those in use, the oldest first. */
export async function segments(db: Database): Promise<readonly Segment[]> {
  const rows = await db.run(segmentsStatement, []);
  return rows.map(([number, openedAt, closedAt, isDue, bytes]) => ({
    number: Number(number),
    openedAt: fromStored(String(openedAt)),
    closedAt: closedAt == null ? undefined : fromStored(closedAt),
    isDue: isDue === "t",
    bytes: Number(bytes),
  }));
}

/** Messages of one name that a queue beyond its limits has given up at once. */
export interface Dropped {
  readonly queue: string;
  readonly topic: string;
  readonly name: string;
  readonly messages: number;
  readonly firstPublishedAt: Date;
  readonly lastPublishedAt: Date;
  readonly droppedAt: Date;
}

/** The oldest first. */
export async function dropped(db: Database, queue: string): Promise<readonly Dropped[]> {
  const rows = await db.run(droppedStatement, [queue]);
  return rows.map(([, topic, name, messages, first, last, at]) => ({
    queue,
    topic: String(topic),
    name: String(name),
    messages: Number(messages),
    firstPublishedAt: fromStored(String(first)),
    lastPublishedAt: fromStored(String(last)),
    droppedAt: fromStored(String(at)),
  }));
}
