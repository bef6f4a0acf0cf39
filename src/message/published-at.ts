import type { Message } from "./message.js";
import { StoredMessage } from "./stored-message.js";

/** The message as a store keeps it that has a clock of its own: published `now`, and delayed from now on. */
export function publishedAt(message: Message, now: number): Message {
  const { id, name, topic, key, json, headers, deliverAt = null, delayMs } = message;
  return new StoredMessage({
    id,
    name,
    topic,
    key,
    json,
    headersJson: JSON.stringify(headers),
    publishedAt: new Date(now),
    dedup: message,
    deliverAt: delayMs === undefined ? deliverAt : new Date(now + delayMs),
  });
}
