const MAX_WAIT_MS = 30_000;

/**
 * How long to wait in ms after so many failed attempts: twice as long each time, up to 30 s and with
 * jitter, and never less than the error's `retryAfterMs`.
 */
export function retryDelay(failedAttempts: number, waitMs: number, error: unknown): number {
  const backoff = Math.min(waitMs * 2 ** (failedAttempts - 1), MAX_WAIT_MS);
  const jittered = backoff * (0.5 + Math.random() / 2);
  return Math.max(jittered, retryAfterMs(error));
}

/** Whether the error says that the same call will fail every time. */
export function isPermanent(error: unknown): boolean {
  return isObject(error) && "permanent" in error && error.permanent === true;
}

/** How long the error asks to wait, in ms; 0 if it does not. */
export function retryAfterMs(error: unknown): number {
  if (!isObject(error) || !("retryAfterMs" in error)) return 0;
  const ms = error.retryAfterMs;
  return typeof ms === "number" && Number.isFinite(ms) ? ms : 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
