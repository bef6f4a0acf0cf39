import { isPermanent, retryAfterMs } from "../bridge/retry.js";
import { EventsError, FatalError, RetryAfterError } from "../message/errors.js";
import { describe, findCause, isFatal, retryAfter } from "../receiver/failure.js";
import type { Backoff } from "../receiver/middleware/backoff.js";
import { type Failure, failureOf } from "../receiver/outcome.js";

/** What becomes of a message that a destination refused. */
export function failedMessage(
  error: unknown,
  attempt: number,
  { limit, backoff }: { readonly limit: number; readonly backoff?: Backoff | undefined },
): Failure {
  return failureOf(asThrown(error, attempt, backoff), attempt, limit);
}

/** Whether the message is refused for good, by the error's own word. */
export function isForGood(error: unknown): boolean {
  return isPermanent(error) || isFatal(error);
}

/** As a handler would have thrown it. */
function asThrown(error: unknown, attempt: number, backoff: Backoff | undefined): unknown {
  if (isFatal(error) || findCause(error, RetryAfterError)) return error;
  if (isPermanent(error)) return new FatalError(codeOf(error), describe(error), error);
  const toldMs = retryAfterMs(error);
  if (!backoff && toldMs === 0) return error;
  return retryAfter(Math.max(backoff?.(attempt) ?? 0, toldMs), error);
}

function codeOf(error: unknown) {
  return error instanceof EventsError ? error.code : "FATAL";
}
