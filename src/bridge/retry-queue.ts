import type { Message } from "../message/message.js";

/** A message on its way. Times are those of the monotonic clock, in ms. */
export interface Entry {
  readonly message: Message;
  failedAttempts: number;
  dueAt: number;
}

/** Messages in order, some of which may not be tried before a time. */
export class RetryQueue {
  #entries: Entry[] = [];
  #heldUntil = 0;

  get size(): number {
    return this.#entries.length;
  }

  push(messages: readonly Message[]): void {
    for (const message of messages) this.#entries.push({ message, failedAttempts: 0, dueAt: 0 });
  }

  /** Entries that failed, before all others again. With `hold` nothing overtakes them. */
  putBack(entries: readonly Entry[], hold: boolean): void {
    this.#entries = [...entries, ...this.#entries];
    if (hold) this.#heldUntil = entries.reduce((latest, { dueAt }) => Math.max(latest, dueAt), 0);
  }

  /** When `take` will give something; `Infinity` if the queue is empty. */
  nextDueAt(): number {
    const earliest = this.#entries.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity);
    return Math.max(earliest, this.#heldUntil);
  }

  /** Removes the first `max` entries that are due. */
  take(max: number, now: number): readonly Entry[] {
    const taken: Entry[] = [];
    const later: Entry[] = [];
    let seen = 0;
    while (seen < this.#entries.length && taken.length < max) {
      const entry = this.#entries[seen++] as Entry;
      (entry.dueAt <= now ? taken : later).push(entry);
    }
    this.#entries = [...later, ...this.#entries.slice(seen)];
    return taken;
  }

  /** Removes all. */
  clear(): readonly Message[] {
    const messages = this.#entries.map(({ message }) => message);
    this.#entries = [];
    return messages;
  }
}
