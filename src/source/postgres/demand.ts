/** Work taken ahead, in ms: enough to hide a round trip, little enough to leave the rest to other processes. */
const AHEAD_MS = 50;
const MAX_HELD = 2_000;
const PER_KEY_MS = 1_000;
const MAX_BATCH = 1_000;
/** The share of the newest duration in the average. */
const WEIGHT = 0.1;

/**
 * How many messages of a queue this process wants. It follows the handler: fast ones get hundreds at once and a batch
 * in advance, slow ones only what the workers can start now.
 */
export class Demand {
  readonly #concurrency: number;
  readonly #atOnce: boolean;
  #averageMs = AHEAD_MS;
  #held = 0;
  #reserved = 0;

  /** `atOnce`: messages of one key don't wait for each other. */
  constructor(concurrency: number, atOnce = false) {
    this.#concurrency = concurrency;
    this.#atOnce = atOnce;
  }

  /** Messages of one key that may be held at once: about a second's work, so that they don't keep the others away for longer. */
  get perKey(): number {
    if (this.#atOnce) return Math.max(MAX_HELD, this.#concurrency);
    return Math.max(
      1,
      Math.min(MAX_HELD, Math.floor(PER_KEY_MS / Math.max(this.#averageMs, 0.001))),
    );
  }

  /** How many to ask for; 0 as long as enough is held. */
  get room(): number {
    const wanted = this.#wanted();
    const room = wanted - this.#held - this.#reserved;
    const worthIt = this.#atOnce ? wanted / 4 : wanted > this.#concurrency ? wanted / 2 : 1;
    return room >= worthIt ? Math.min(room, MAX_BATCH) : 0;
  }

  /** So many are being asked for (or no longer, if negative): they are no room for others that ask at the same time. */
  reserve(count: number): void {
    this.#reserved += count;
  }

  took(count: number): void {
    this.#held += count;
  }

  /** One of them is over, after so many ms; undefined if it was not run. */
  finished(durationMs?: number): void {
    this.#held -= 1;
    if (durationMs !== undefined) this.#averageMs += (durationMs - this.#averageMs) * WEIGHT;
  }

  #wanted(): number {
    const ahead = Math.floor((this.#concurrency * AHEAD_MS) / Math.max(this.#averageMs, 0.001));
    return Math.max(this.#concurrency, Math.min(ahead, MAX_HELD));
  }
}
