const SECONDS = 10;

/** How many a second, over the last 10 s. */
export class Rate {
  readonly #startedAt = performance.now();
  /** Counts of single seconds, the newest last. */
  readonly #counts: { readonly second: number; count: number }[] = [];

  add(count: number): void {
    const second = this.#forget();
    const last = this.#counts.at(-1);
    if (last?.second === second) last.count += count;
    else this.#counts.push({ second, count });
  }

  get perSecond(): number {
    this.#forget();
    const sum = this.#counts.reduce((total, { count }) => total + count, 0);
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return sum / Math.min(SECONDS, Math.max(1, seconds));
  }

  /** The present second; what is older than ten is forgotten. */
  #forget(): number {
    const second = Math.floor(performance.now() / 1_000);
    while (this.#counts[0] && this.#counts[0].second <= second - SECONDS) this.#counts.shift();
    return second;
  }
}
