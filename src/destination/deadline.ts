export interface Deadline {
  readonly signal: AbortSignal;
  /** Must be called once the work is over, so that neither the timer nor the listener stays behind. */
  clear(): void;
}

/** A signal that aborts when `parent` does, or after `timeoutMs` with the error that `timeout` makes. */
export function deadline(parent: AbortSignal, timeoutMs: number, timeout: () => Error): Deadline {
  const controller = new AbortController();
  const abort = () => controller.abort(parent.reason);
  if (parent.aborted) abort();
  parent.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => controller.abort(timeout()), timeoutMs);
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      parent.removeEventListener("abort", abort);
    },
  };
}
