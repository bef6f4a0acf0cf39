import { RetryAfterError } from "../../message/errors.js";
import { assertNumber } from "../../message/options.js";
import { findCause, isFatal, retryAfter } from "../failure.js";
import type { Middleware } from "../handler.js";

/** The time in milliseconds between a failed attempt (1 for the first) and the next one. */
export type Backoff = (attempt: number) => number;

/** Retries after the time that `backoff` gives. A fatal error, or one that says when, passes as it is. */
export function withBackoff(backoff: Backoff): Middleware {
  return async function backoffMiddleware(context, next) {
    try {
      await next();
    } catch (error) {
      if (isFatal(error) || findCause(error, RetryAfterError)) throw error;
      throw retryAfter(backoff(context.attempt), error);
    }
  };
}

interface Jitter {
  /** Up to this share of a delay (0 to 1) is taken off at random. Default 0. */
  readonly jitter?: number;
}

/** Always `ms` milliseconds. */
export function constantBackoff(ms: number, { jitter = 0 }: Jitter = {}): Backoff {
  assertNumber("constantBackoff(ms)", ms);
  return bounded(() => ms, ms, jitter);
}

/** `initialMs`, then `stepMs` more each time, up to `maxMs`. */
export function linearBackoff(
  options: { initialMs: number; stepMs: number; maxMs: number } & Jitter,
): Backoff {
  const { initialMs, stepMs, maxMs, jitter = 0 } = options;
  assertNumber("linearBackoff({ initialMs })", initialMs);
  assertNumber("linearBackoff({ stepMs })", stepMs);
  return bounded((retry) => initialMs + stepMs * retry, maxMs, jitter);
}

/**
 * `initialMs + scaleMs * (e ** (rate * i) - 1)` for the retry `i`, counted from 0, up to `maxMs`. The
 * defaults of `scaleMs` (`initialMs`) and `rate` (ln 2) double the time with each retry.
 */
export function exponentialBackoff(
  options: { initialMs: number; maxMs: number; scaleMs?: number; rate?: number } & Jitter,
): Backoff {
  const { initialMs, maxMs, scaleMs = initialMs, rate = Math.LN2, jitter = 0 } = options;
  assertNumber("exponentialBackoff({ initialMs })", initialMs);
  assertNumber("exponentialBackoff({ scaleMs })", scaleMs);
  assertNumber("exponentialBackoff({ rate })", rate);
  const growth = (retry: number) => Math.min(Math.expm1(rate * retry), Number.MAX_VALUE);
  return bounded((retry) => initialMs + scaleMs * growth(retry), maxMs, jitter);
}

function bounded(delay: (retry: number) => number, maxMs: number, jitter: number): Backoff {
  assertNumber("a backoff's maxMs", maxMs);
  assertNumber("a backoff's jitter", jitter, 1);
  return (attempt) => {
    const ms = Math.min(delay(attempt - 1), maxMs);
    return Math.round(ms * (1 - jitter * Math.random()));
  };
}
