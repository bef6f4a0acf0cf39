import type { Message } from "../message/message.js";
import { dueAt } from "../source/due.js";
import type { BreakerState } from "./breaker.js";

export interface RelayStats {
  /** Messages that the destination has accepted since the start. */
  readonly relayed: number;
  /** How many of them a second, over the last 10 s. */
  readonly perSecond: number;
  /** Messages that were given up since the start. */
  readonly dead: number;
  /** Messages that this process has taken from the source, and not brought to an end. */
  readonly held: number;
  /**
   * How far behind it is: the age of the oldest message that it holds, in ms, since it was published or due; 0 if it holds
   * none. By the clocks of the store and of this process.
   */
  readonly lagMs: number;
  readonly breaker: BreakerState;
}

/** The age of the oldest, in ms. */
export function lagOf(messages: readonly Message[]): number {
  const now = Date.now();
  return messages.reduce((oldest, message) => Math.max(oldest, now - sinceWhen(message)), 0);
}

function sinceWhen(message: Message): number {
  return Math.max(message.publishedAt.getTime(), dueAt(message));
}
