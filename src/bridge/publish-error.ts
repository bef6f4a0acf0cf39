import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";

/** Messages that one destination did not take, and why. */
export interface PublishFailure {
  readonly destination: Destination;
  readonly messages: readonly Message[];
  readonly error: unknown;
}

/**
 * Holds what failed at all destinations. What isn't in `failures` was delivered; `cause` is the first
 * error.
 */
export class PublishError extends EventsError {
  readonly #failures: readonly PublishFailure[];

  constructor(failures: readonly PublishFailure[]) {
    const text = `Not delivered: ${failures.map(describe).join("; ")}.`;
    const advice =
      "It is safe to publish again with the same ids where a destination deduplicates.";
    super("PUBLISH_FAILED", `${text} ${advice}`, { cause: failures[0]?.error });
    this.#failures = failures;
  }

  /** Not enumerable, so that whoever logs the error doesn't log payloads. */
  get failures(): readonly PublishFailure[] {
    return this.#failures;
  }
}

function describe({ destination, messages, error }: PublishFailure): string {
  const text = error instanceof Error ? error.message : String(error);
  return `${messages.length} to "${destination.name}" (${text})`;
}
