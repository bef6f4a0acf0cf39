import { EventsError } from "../message/errors.js";

export interface HttpErrorDetails {
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly permanent?: boolean;
  readonly cause?: unknown;
}

/** An HTTP call that failed, or one message of it. */
export class HttpError extends EventsError {
  /** The status of the answer; missing if none came. */
  readonly status: number | undefined;
  /** How long to wait before the next attempt, in ms, if the answer said so. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same call would fail every time. */
  readonly permanent: boolean;

  constructor(message: string, details: HttpErrorDetails) {
    const { status, retryAfterMs, permanent = false, cause } = details;
    super("HTTP_FAILED", message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.permanent = permanent;
  }
}

/** The call came to nothing: no connection, or one that broke. */
export function unreachable(target: string, cause: unknown): HttpError {
  return new HttpError(`${target} failed: ${describe(cause)}`, { cause });
}

export function unanswered(target: string, timeoutMs: number): HttpError {
  return new HttpError(`${target} was not answered within ${timeoutMs} ms.`, {});
}

/** A connection that fails at several addresses has no text of its own, but a code. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}
