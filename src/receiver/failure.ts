import { EventsError, FatalError, RetryAfterError } from "../message/errors.js";

/** Throw it when no retry can help: the message is dead at once, with this error as the reason. */
export function fatal(error: unknown): FatalError {
  return new FatalError("FATAL", describe(error), error);
}

/** True if the error, or any error that caused it, is fatal. */
export function isFatal(error: unknown): boolean {
  return findCause(error, FatalError) !== undefined;
}

/**
 * Throw it to choose the time of the next attempt. The limit still counts.
 *
 * @param ms Milliseconds, zero or more.
 * @throws EventsError `INVALID_OPTIONS` if `ms` is not such a number.
 */
export function retryAfter(ms: number, error?: unknown): RetryAfterError {
  if (!(Number.isFinite(ms) && ms >= 0)) {
    throw new EventsError(
      "INVALID_OPTIONS",
      `A retry can't be due after ${ms} ms; give zero or a positive number.`,
      { cause: error },
    );
  }
  return new RetryAfterError(ms, error);
}

/** The first error of a class in the chain of causes, the error itself included. */
export function findCause<E>(
  error: unknown,
  type: abstract new (...args: never[]) => E,
): E | undefined {
  const seen = new Set<unknown>();
  try {
    for (let current = error; current instanceof Error; current = current.cause) {
      if (current instanceof type) return current;
      if (seen.has(current)) return undefined;
      seen.add(current);
    }
  } catch {
    // A value that can't even be looked at has no cause that we know.
  }
  return undefined;
}

/** One line for anything that can be thrown. Says nothing of what an object holds: it may be a payload. */
export function describe(thrown: unknown): string {
  try {
    return describeReadable(thrown);
  } catch {
    return "A value that can't be read was thrown.";
  }
}

function describeReadable(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  const type = thrown === null ? "null" : typeof thrown;
  return typeof thrown === "string" ? thrown : `A value of type ${type} was thrown, not an Error.`;
}
