import type { BreakerOptions } from "./options.js";

/** `half-open` while an open one lets a call through, to see. */
export type BreakerState = "closed" | "open" | "half-open";

/** Counts the failed calls in a row, and says how long to wait after each. */
export class Breaker {
  readonly #options: Required<BreakerOptions>;
  #failures = 0;
  #accepted = 0;
  #calls = 0;

  constructor(options: Required<BreakerOptions>) {
    this.#options = options;
  }

  /** Calls that did not fail. */
  get accepted(): number {
    return this.#accepted;
  }

  get state(): BreakerState {
    if (this.#failures < this.#options.failures) return "closed";
    return this.#calls > 0 ? "half-open" : "open";
  }

  calling(): void {
    this.#calls += 1;
  }

  /** Nobody knows how the call would have ended. */
  cancelled(): void {
    this.#calls -= 1;
  }

  /** How long to wait, in ms, and whether it has opened just now. */
  failed(): { readonly waitMs: number; readonly hasOpened: boolean } {
    this.#calls -= 1;
    this.#failures += 1;
    const waitMs = this.#options.backoff(this.#failures);
    return { waitMs, hasOpened: this.#failures === this.#options.failures };
  }

  /** True if it has closed just now. */
  succeeded(): boolean {
    const wasClosed = this.state === "closed";
    this.#calls -= 1;
    this.#accepted += 1;
    this.#failures = 0;
    return !wasClosed;
  }
}
