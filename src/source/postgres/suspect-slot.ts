/**
 * Lets a process run one message at a time that may have killed a worker, so that it is clear which one did. The slot is
 * free when what became of the message is recorded: else the next one could make it share the blame.
 */
export class SuspectSlot<T> {
  #isTaken = false;
  #isAwaited = false;
  #current: T | undefined;
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

  /** What it was taken for; it is free again if there is nothing. */
  enter(suspect: T | undefined): void {
    this.#current = suspect;
    if (suspect === undefined) this.#release();
  }

  /** What became of a message is recorded, or it was lost. */
  over(suspect: T): void {
    if (suspect === this.#current) this.enter(undefined);
  }

  #release(): void {
    const wasAwaited = this.#isAwaited;
    this.#isTaken = false;
    this.#isAwaited = false;
    if (wasAwaited) this.#onFree();
  }
}
