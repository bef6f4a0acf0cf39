import { FatalError, RetryAfterError } from "../../message/errors.js";
import { assertInteger } from "../../message/options.js";
import { describe, isFatal } from "../failure.js";
import type { Middleware } from "../handler.js";

/** Gives up after `attempts` attempts in all: the error of the last one is fatal, `RETRIES_EXHAUSTED`. */
export function withLimit(attempts: number): Middleware {
  assertInteger("withLimit(attempts)", attempts, 1);
  const middleware: Middleware = async function limitMiddleware(context, next) {
    try {
      await next();
    } catch (error) {
      throw exhausted(error, context.attempt, attempts);
    }
  };
  return Object.assign(middleware, { replaces: "limit" } as const);
}

/** The error itself, or a fatal one around it if this was the last attempt. */
export function exhausted(error: unknown, attempt: number, limit: number): unknown {
  if (attempt < limit || isFatal(error)) return error;
  const cause = error instanceof RetryAfterError ? (error.cause ?? error) : error;
  const text = `Failed at attempt ${attempt} of ${limit}, the last one: ${describe(cause)}`;
  return new FatalError("RETRIES_EXHAUSTED", text, cause);
}
