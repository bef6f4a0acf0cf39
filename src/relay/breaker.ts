import type { BreakerOptions } from "./options.js";

/** `half-open` while an open one lets a call through, to see. */
export type BreakerState = "closed" | "open" | "half-open";

/** Counts the failed calls in a row, and says how long to wait after each. */
export class Breaker {
  readonly #options: Required<BreakerOptions>;
  #failures = 0;
  #isCalling = false;

  constructor(options: Required<BreakerOptions>) {
    this.#options = options;
  }

  /** The last call failed. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  get state(): BreakerState {
    if (this.#failures < this.#options.failures) return "closed";
    return this.#isCalling ? "half-open" : "open";
  }

  calling(): void {
    this.#isCalling = true;
  }

  /** Nobody knows how the call would have ended. */
  cancelled(): void {
    this.#isCalling = false;
  }

  /** How long to wait, in ms, and whether it has opened just now. */
  failed(): { readonly waitMs: number; readonly hasOpened: boolean } {
    this.#isCalling = false;
    this.#failures += 1;
    const waitMs = this.#options.backoff(this.#failures);
    return { waitMs, hasOpened: this.#failures === this.#options.failures };
  }

  /** True if it has closed just now. */
  succeeded(): boolean {
    const hasClosed = this.state !== "closed";
    this.#isCalling = false;
    this.#failures = 0;
    return hasClosed;
  }
}
