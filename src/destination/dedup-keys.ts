import type { Clock } from "../message/clock.js";
import type { Message } from "../message/message.js";

/** Dedup keys in memory. */
export class DedupKeys {
  readonly #clock: Clock | undefined;
  /** When the window of a topic's key is over, in ms since the epoch. */
  readonly #until = new Map<string, number>();

  /** Without a clock, the process's counts. */
  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  /** False if another message has the key. */
  take({ topic, dedupKey, dedupMs = 0 }: Message): boolean {
    if (dedupKey === undefined) return true;
    const now = this.#clock?.now() ?? Date.now();
    const place = `${topic} ${dedupKey}`;
    if ((this.#until.get(place) ?? now) > now) return false;
    this.#until.set(place, now + dedupMs);
    return true;
  }

  clear(): void {
    this.#until.clear();
  }
}
