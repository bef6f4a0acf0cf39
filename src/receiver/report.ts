import type { DeadDelivery, Delivery, Logger } from "../source/source.js";
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

/**
 * Told of each message that this process has given up, once that is recorded. If the process ends in between, nobody is
 * told. What it throws itself is logged and goes no further.
 */
export type DeadHandler = (dead: DeadDelivery) => unknown;

/** What a receiver's user wants to be told of. */
export interface Handlers {
  readonly onError?: ErrorHandler;
  readonly onDead?: DeadHandler;
}

/** Hands errors and dead messages to the user's handler and to the logger. Never throws. */
export class Reporter {
  readonly #handlers: Handlers;
  readonly #logger: Logger;

  constructor(handlers: Handlers, logger: Logger) {
    this.#handlers = handlers;
    this.#logger = logger;
  }

  failedAttempt({ queue, message, attempt }: Delivery, { outcome, error }: Failure): void {
    const { type: result, reason } = outcome;
    const failed = { queue, messageId: message.id, name: message.name, attempt, outcome: result };
    if (outcome.type === "dead") this.#log("error", { ...failed, reason }, "message is dead");
    else this.#log("warn", { ...failed, reason, afterMs: outcome.afterMs }, "handler failed");
    this.#tellError(error, failed);
  }

  sourceError(error: unknown): void {
    this.error(error, "source failed");
  }

  /** An error of no attempt. */
  error(error: unknown, text: string, fields: object = {}): void {
    this.#log("error", { ...fields, err: error }, text);
    this.#tellError(error);
  }

  warn(fields: object, text: string): void {
    this.#log("warn", fields, text);
  }

  dead(dead: DeadDelivery): void {
    this.#tell("onDead", () => this.#handlers.onDead?.(dead));
  }

  #tellError(error: unknown, failed?: FailedAttempt): void {
    this.#tell("onError", () => this.#handlers.onError?.(error, failed));
  }

  async #tell(name: keyof Handlers, tell: () => unknown): Promise<void> {
    try {
      await tell();
    } catch (thrown) {
      this.#log("error", { err: thrown }, `${name} itself failed`);
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
