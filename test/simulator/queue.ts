import type { Message } from "../../src/message/message.js";
import type { Subscription } from "../../src/source/source.js";
import { wants } from "../../src/source/wants.js";

/** A queue under test. */
export interface SimulatedQueue {
  readonly name: string;
  readonly subscriptions: readonly Omit<Subscription, "queue">[];
  readonly startAt: "now" | "earliest";
  /** Consumers of each topic. With one, messages of a key must come in order. */
  readonly consumers: number;
  /** Claims only where a poll has found news. */
  readonly polls: boolean;
}

export const INITIAL_QUEUES: readonly SimulatedQueue[] = [
  {
    name: "ordered",
    subscriptions: [{ pattern: "a.*", topic: "a" }],
    startAt: "now",
    consumers: 1,
    polls: false,
  },
  {
    name: "competing",
    subscriptions: [
      { pattern: "a.*", topic: "a" },
      { pattern: "b.*", topic: "b" },
      { pattern: "c.*", topic: "c" },
    ],
    startAt: "now",
    consumers: 3,
    polls: false,
  },
  {
    name: "filtered",
    subscriptions: [{ pattern: "b.one", topic: "b" }],
    startAt: "now",
    consumers: 2,
    polls: true,
  },
  {
    name: "everything",
    subscriptions: [{ pattern: "*", topic: "*" }],
    startAt: "now",
    consumers: 1,
    polls: true,
  },
];

/** The n-th queue that subscribes while messages are on their way. */
export function lateQueue(n: number, start?: SimulatedQueue["startAt"]): SimulatedQueue {
  const startAt = start ?? (n % 2 === 0 ? "now" : "earliest");
  return {
    name: `late-${n}-${startAt}`,
    subscriptions: [
      { pattern: "b.*", topic: "b" },
      { pattern: "c.two", topic: "c" },
    ],
    startAt,
    consumers: 1,
    polls: n % 4 < 2,
  };
}

export function isWanted({ name, subscriptions }: SimulatedQueue, message: Message): boolean {
  return subscriptions.some((subscription) => wants({ queue: name, ...subscription }, message));
}
