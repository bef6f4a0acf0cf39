import { EventsError } from "../message/errors.js";
import { toQueue, toTopic } from "../message/name.js";
import { assertOptions } from "../message/options.js";
import { assertStartAt, type StartAt } from "../message/start-at.js";
import type { Database } from "../postgres/database.js";
import { type Move, meetTopics, seek } from "../postgres/seek.js";

export interface SeekOptions {
  /** What `startAt` of a queue takes. */
  readonly to: StartAt;
  /** Default: all that the queue reads, those that it meets later included. */
  readonly topic?: string;
}

/** Rejects with `INVALID_NAME`, `INVALID_OPTIONS`, `NOT_SUBSCRIBED`. */
export async function seekQueue(
  db: Database,
  queue: string,
  options: SeekOptions,
): Promise<readonly Move[]> {
  toQueue(queue);
  assertOptions(options, ["to", "topic"], "seek");
  const { to, topic } = options;
  assertStartAt("to", to);
  if (topic !== undefined) toTopic(topic);
  await meetTopics(db, queue);
  const moves = await seek(db, queue, to, topic ?? null);
  if (moves.length === 0) throw notSubscribed(queue, topic);
  return moves.filter((move) => move.topic !== "*");
}

export function notSubscribed(queue: string, topic: string | undefined): EventsError {
  const what = topic === undefined ? "any topic" : `the topic ${topic}`;
  const text = `The queue ${queue} doesn't read ${what}: a receiver subscribes it, or subscribe() in SQL.`;
  return new EventsError("NOT_SUBSCRIBED", text);
}
