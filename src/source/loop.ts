import { Flag } from "./flag.js";

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;

/**
 * A loop that lives as long as its source: it runs `step` each time it is woken, and again after a back-off as long as
 * that fails (a lost connection, a server that restarts), since nothing may be forgotten.
 */
export class Loop {
  readonly #flag = new Flag();
  readonly #step: () => Promise<number | undefined>;
  readonly #onError: (error: unknown) => void;
  #stopped = false;
  #ended: Promise<void> | undefined;

  /** `step` resolves with the milliseconds after which it wants to run even if nobody wakes it. */
  constructor(step: () => Promise<number | undefined>, onError: (error: unknown) => void) {
    this.#step = step;
    this.#onError = onError;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  wake(): void {
    this.#flag.raise();
  }

  /** Resolves when the step under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#flag.raise();
    await this.#ended;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      let pause: number | undefined;
      try {
        pause = await this.#step();
        failures = 0;
      } catch (error) {
        this.#onError(error);
        pause = retryDelay(failures);
        failures += 1;
      }
      if (!this.#stopped) await this.#flag.wait(pause);
    }
  }
}

function retryDelay(failures: number): number {
  return (
    Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
  );
}
