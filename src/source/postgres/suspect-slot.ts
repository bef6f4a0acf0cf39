/** Lets a process run one message at a time that may have killed a worker, so that it is clear which one did. */
export class SuspectSlot {
  #isTaken = false;
  readonly #onFree: () => void;

  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** False if it is taken already. */
  take(): boolean {
    if (this.#isTaken) return false;
    this.#isTaken = true;
    return true;
  }

  release(): void {
    this.#isTaken = false;
    this.#onFree();
  }
}
