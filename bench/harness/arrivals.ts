/** When the handlers saw messages 0 to count - 1, each of which has to come once. */
export class Arrivals {
  /** By `performance.now()`. */
  readonly at: Float64Array;
  /** Resolves when as many have come. */
  readonly all: Promise<void>;
  readonly #times: Uint8Array;
  readonly #onAll: () => void;
  #handled = 0;

  constructor(count: number) {
    this.at = new Float64Array(count);
    this.#times = new Uint8Array(count);
    let onAll = () => {};
    this.all = new Promise((resolve) => {
      onAll = resolve;
    });
    this.#onAll = onAll;
  }

  /** To be called first thing in the handler. */
  saw(n: number): void {
    this.at[n] = performance.now();
    this.#times[n] = (this.#times[n] ?? 0) + 1;
    this.#handled += 1;
    if (this.#handled === this.at.length) this.#onAll();
  }

  get count(): number {
    return this.at.length;
  }

  get firstAt(): number {
    return this.at.reduce((a, b) => Math.min(a, b));
  }

  get lastAt(): number {
    return this.at.reduce((a, b) => Math.max(a, b));
  }

  /** Throws unless each has come once, and nothing is left. */
  assertOnce(left: number): void {
    if (left === 0 && this.#times.every((times) => times === 1)) return;
    throw new Error(
      `Handled ${this.#handled} of ${this.at.length}, ${left} left: this run is void.`,
    );
  }
}
