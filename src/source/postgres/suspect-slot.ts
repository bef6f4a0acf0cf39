/** Lets a process run one message at a time that may have killed a worker, so that it is clear which one did. */
export class SuspectSlot {
  #isTaken = false;
  #isAwaited = false;
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

  release(): void {
    const wasAwaited = this.#isAwaited;
    this.#isTaken = false;
    this.#isAwaited = false;
    if (wasAwaited) this.#onFree();
  }
}
