import { assertOptions } from "../message/options.js";
import type { StartAt } from "../message/start-at.js";
import { Database, type PgPool } from "./database.js";

const subscribeStatement = "select opinionated_events.subscribe($1, $2, $3::timestamptz, $4, $5)";
const unsubscribeStatement = "select opinionated_events.unsubscribe($1, $2, $3)";

/**
 * Subscribes a queue to a pattern, for good. A queue that is new to the topic begins at `startAt`: what commits after
 * the call, all that the log holds, or what was published from a time or stands from a position on.
 */
export async function subscribe(
  db: Database,
  { queue, pattern, topic }: { queue: string; pattern: string; topic: string },
  startAt: StartAt = "now",
): Promise<void> {
  const [time, position] = startValues(startAt);
  await db.run(subscribeStatement, [queue, pattern, time, topic, position]);
}

/** What the functions take for it: a time, and a position that comes before that if it is not null. */
export function startValues(startAt: StartAt): [time: string, position: string | null] {
  if (startAt === "now") return ["infinity", null];
  if (startAt === "earliest") return ["-infinity", null];
  if (startAt instanceof Date) return [startAt.toISOString(), null];
  return ["-infinity", String(startAt.position)];
}

export interface UnsubscribeOptions {
  /** Default `opinionated_events`. */
  readonly schema?: string;
  /** Deletes what waits to be handled and is not wanted any more, dead messages excepted. Default false. */
  readonly discard?: boolean;
}

/**
 * Ends the subscription of a queue to a name or pattern, and resolves with false if there was none. What the queue has
 * taken from the log already it keeps, and handles. A receiver that starts with a handler for it subscribes it again:
 * deploy without the handler first.
 */
export async function unsubscribe(
  pool: PgPool,
  queue: string,
  pattern: string,
  options: UnsubscribeOptions = {},
): Promise<boolean> {
  assertOptions(options, ["schema", "discard"], "unsubscribe");
  const db = new Database(pool, options.schema);
  const [row] = await db.run(unsubscribeStatement, [queue, pattern, options.discard ?? false]);
  return row?.[0] === "t";
}
