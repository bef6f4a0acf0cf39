const SPAN_MS = 100;

/** A moving rate over the last tenth of a second or so. */
export class Rate {
  #sum = 0;
  #at = 0;

  add(count: number): void {
    this.#decay();
    this.#sum += count;
  }

  get perSecond(): number {
    this.#decay();
    return (this.#sum * 1_000) / SPAN_MS;
  }

  #decay(): void {
    const now = performance.now();
    this.#sum *= Math.exp((this.#at - now) / SPAN_MS);
    this.#at = now;
  }
}
