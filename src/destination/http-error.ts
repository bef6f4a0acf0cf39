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
