import type { Delivery, Logger } from "../source/source.js";
import type { Failure } from "./outcome.js";

/** The attempt that failed, and whether there will be another. */
export interface FailedAttempt {
  readonly queue: string;
  readonly messageId: string;
  readonly name: string;
  readonly attempt: number;
  readonly outcome: "retry" | "dead";
}

/**
 * Told of every error: of a handler with the attempt that failed, of the source without one. What it
 * throws itself is logged and goes no further.
 */
export type ErrorHandler = (error: unknown, failed?: FailedAttempt) => unknown;

/** Hands errors to the user's handler and to the logger. Never throws. */
export class Reporter {
  readonly #onError: ErrorHandler | undefined;
  readonly #logger: Logger;

  constructor(onError: ErrorHandler | undefined, logger: Logger) {
    this.#onError = onError;
    this.#logger = logger;
  }

  failedAttempt({ queue, message, attempt }: Delivery, { outcome, error }: Failure): void {
    const { type: result, reason } = outcome;
    const failed = { queue, messageId: message.id, name: message.name, attempt, outcome: result };
    if (outcome.type === "dead") this.#log("error", { ...failed, reason }, "message is dead");
    else this.#log("warn", { ...failed, reason, afterMs: outcome.afterMs }, "handler failed");
    this.#tell(error, failed);
  }

  sourceError(error: unknown): void {
    this.#log("error", { err: error }, "source failed");
    this.#tell(error);
  }

  async #tell(error: unknown, failed?: FailedAttempt): Promise<void> {
    try {
      await this.#onError?.(error, failed);
    } catch (thrown) {
      this.#log("error", { err: thrown }, "onError itself failed");
    }
  }

  #log(level: "warn" | "error", fields: object, text: string): void {
    try {
      this.#logger[level](fields, text);
    } catch (thrown) {
      console.error("The logger itself failed.", thrown);
    }
  }
}
