/**
 * Lets a process run one message at a time that may have killed a worker. Those that were taken with the slot wait until
 * what became of the one before them is recorded: else they would share its blame.
 */
export class SuspectSlot<T> {
  #isTaken = false;
  #isAwaited = false;
  #current: T | undefined;
  #waiting: readonly T[] = [];
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
    this.#waiting = suspects;
    return this.#next();
  }

  /** What became of one is recorded, or it was lost. Returns the next, if it is its turn; without any the slot is free. */
  over(suspect: T): T | undefined {
    this.#waiting = this.#waiting.filter((one) => one !== suspect);
    return suspect === this.#current ? this.#next() : undefined;
  }

  /** Gives back what waits. */
  clear(): readonly T[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  #next(): T | undefined {
    [this.#current, ...this.#waiting] = this.#waiting;
    if (this.#current === undefined) this.#release();
    return this.#current;
  }

  #release(): void {
    const wasAwaited = this.#isAwaited;
    this.#isTaken = false;
    this.#isAwaited = false;
    if (wasAwaited) this.#onFree();
  }
}
