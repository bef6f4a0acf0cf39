import type { Database } from "./database.js";

const subscribeStatement = "select opinionated_events.subscribe($1, $2, $3, $4::timestamptz)";

/**
 * Subscribes a queue to a pattern, for good. A queue that is new to the topic begins at `startAt`: what commits after
 * the call, all that the log holds, or what was published from a time on.
 */
export async function subscribe(
  db: Database,
  { queue, pattern, topic }: { queue: string; pattern: string; topic: string },
  startAt: "now" | "earliest" | Date = "now",
): Promise<void> {
  const from =
    startAt === "now" ? "infinity" : startAt === "earliest" ? "-infinity" : startAt.toISOString();
  await db.run(subscribeStatement, [queue, pattern, topic, from]);
}
