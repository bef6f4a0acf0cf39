/**
 * Lets a process run one message at a time that may have killed a worker. Those that were taken with the slot wait for each
 * other.
 */
export class SuspectSlot<T> {
  #isTaken = false;
  #isAwaited = false;
  #waiting: T[] = [];
  readonly #onFree: () => void;

  /** `onFree` is called on a release that somebody was refused before. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** False if it is taken already. */
  take(): boolean {
    this.#isAwaited ||= this.#isTaken;
    if (this.#isTaken) return false;
    this.#isTaken = true;
    return true;
  }

  /** What was taken with the slot. Returns the one that may start; without any the slot is free again. */
  enter(suspects: readonly T[]): T | undefined {
    this.#waiting = [...suspects];
    return this.leave();
  }

  /** One is over. Returns the next; without one the slot is free. */
  leave(): T | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) this.#release();
    return next;
  }

  /** Gives back what waits. */
  clear(): readonly T[] {
    return this.#waiting.splice(0);
  }

  #release(): void {
    const wasAwaited = this.#isAwaited;
    this.#isTaken = false;
    this.#isAwaited = false;
    if (wasAwaited) this.#onFree();
  }
}
