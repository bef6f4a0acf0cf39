import type { Message } from "../message/message.js";
import { Fifo } from "../source/fifo.js";

/** A message on its way. Times are those of the monotonic clock, in ms. */
export interface Entry {
  readonly message: Message;
  failedAttempts: number;
  dueAt: number;
}

export interface Taken {
  readonly messages: readonly Message[];
  /** Of the first messages; all others have not been tried. */
  readonly retries: readonly Entry[];
}

/** Messages in order, some of which may not be tried before a time. */
export class RetryQueue {
  /** Those that have failed. All are before those that have not been tried. */
  #retries: Entry[] = [];
  readonly #untried = new Fifo<Message>();
  #heldUntil = 0;

  get size(): number {
    return this.#retries.length + this.#untried.size;
  }

  push(messages: readonly Message[]): void {
    for (const message of messages) this.#untried.push(message);
  }

  /** Entries that failed, before all others again. With `hold` nothing overtakes them. */
  putBack(entries: readonly Entry[], hold: boolean): void {
    this.#retries = [...entries, ...this.#retries];
    if (hold) this.#heldUntil = entries.reduce((latest, { dueAt }) => Math.max(latest, dueAt), 0);
  }

  /** When `take` will give something; `Infinity` if the queue is empty. */
  nextDueAt(): number {
    const first = this.#untried.size > 0 ? 0 : Infinity;
    const earliest = this.#retries.reduce((least, { dueAt }) => Math.min(least, dueAt), first);
    return Math.max(earliest, this.#heldUntil);
  }

  /** Removes the first `max` that are due. */
  take(max: number, now: number): Taken {
    const retries: Entry[] = [];
    if (this.#retries.length > 0) {
      this.#retries = this.#retries.filter((entry) => {
        const isTaken = entry.dueAt <= now && retries.length < max;
        if (isTaken) retries.push(entry);
        return !isTaken;
      });
    }
    const messages = retries.map(({ message }) => message);
    while (this.#untried.size > 0 && messages.length < max) messages.push(this.#untried.shift());
    return { messages, retries };
  }

  /** Removes all. */
  clear(): readonly Message[] {
    const messages = [...this.#retries.map(({ message }) => message), ...this.#untried.drain()];
    this.#retries = [];
    return messages;
  }
}
