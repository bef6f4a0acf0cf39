import { FatalError, RetryAfterError } from "../message/errors.js";
import type { DeadReason, Outcome } from "../source/source.js";
import { describe, findCause, isFatal } from "./failure.js";
import { type Backoff, exponentialBackoff } from "./middleware/backoff.js";
import { exhausted } from "./middleware/limit.js";

/** Attempts in all, unless a middleware decides when to give up. */
export const defaultLimit = 20;

const defaultBackoff: Backoff = exponentialBackoff({
  initialMs: 1_000,
  maxMs: 3_600_000,
  jitter: 0.2,
});

/** A delivery that failed: how it ends, and the error that is to be reported. */
export interface Failure {
  readonly outcome: Extract<Outcome, { type: "retry" | "dead" }>;
  readonly error: unknown;
}

/** Decides what becomes of a delivery whose handler, or middleware, threw. Never throws itself. */
export function failureOf(thrown: unknown, attempt: number, limit: number): Failure {
  try {
    return decide(exhausted(thrown, attempt, limit), attempt);
  } catch {
    return { outcome: { type: "dead", reason: unreadable }, error: thrown };
  }
}

const unreadable: DeadReason = {
  code: "HANDLER_FAILED",
  message: "The handler threw a value whose properties can't be read.",
};

function decide(error: unknown, attempt: number): Failure {
  const reported = withoutDelay(error);
  const reason = reasonOf(reported);
  if (isFatal(error)) return { outcome: { type: "dead", reason }, error: reported };
  const afterMs = findCause(error, RetryAfterError)?.afterMs ?? defaultBackoff(attempt);
  return { outcome: { type: "retry", afterMs, reason }, error: reported };
}

/** A wrapper that only carries a delay hides the error that matters. */
function withoutDelay(error: unknown): unknown {
  return error instanceof RetryAfterError && error.cause !== undefined
    ? withoutDelay(error.cause)
    : error;
}

function reasonOf(error: unknown): DeadReason {
  const code = findCause(error, FatalError)?.code ?? codeOf(error);
  const origin = error instanceof FatalError && error.cause instanceof Error ? error.cause : error;
  const stack = origin instanceof Error ? origin.stack : undefined;
  return { code, message: describe(error), ...(stack !== undefined && { stack }) };
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "HANDLER_FAILED";
}
