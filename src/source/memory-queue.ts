import type { Message } from "../message/message.js";
import type { StartAt } from "../message/start-at.js";
import type { Subscription } from "./source.js";
import { reads, wants } from "./wants.js";

/** How far a queue has read a memory log. */
export class MemoryQueue {
  readonly #subscriptions: Subscription[] = [];
  readonly #past = new WeakSet<Message>();

  /** `startAt` counts only for a topic that the queue hasn't read before. */
  subscribe(added: Subscription, startAt: StartAt, log: readonly Message[]): void {
    for (const [n, message] of log.entries()) {
      const isNew = reads(added, message) && !this.#reads(message);
      if (isNew && isBefore(message, n + 1, startAt)) this.#past.add(message);
    }
    const { pattern, topic } = added;
    const known = this.#subscriptions.some((s) => s.pattern === pattern && s.topic === topic);
    if (!known) this.#subscriptions.push(added);
  }

  /** Goes past a message. True if the queue is to handle it. */
  take(message: Message): boolean {
    if (this.#past.has(message) || !this.#reads(message)) return false;
    this.#past.add(message);
    return this.#subscriptions.some((subscription) => wants(subscription, message));
  }

  #reads(message: Message): boolean {
    return this.#subscriptions.some((subscription) => reads(subscription, message));
  }
}

function isBefore(message: Message, position: number, startAt: StartAt): boolean {
  if (startAt === "earliest") return false;
  if (startAt === "now") return true;
  return startAt instanceof Date
    ? message.publishedAt < startAt
    : position < BigInt(startAt.position);
}
