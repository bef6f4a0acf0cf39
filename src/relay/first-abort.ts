export interface FirstAbort {
  readonly signal: AbortSignal;
  /** Must be called once the work is over, so that no listener stays behind. */
  forget(): void;
}

/** A signal that aborts with the first of those given, of which many may be the same. */
export function firstAbort(given: Iterable<AbortSignal>): FirstAbort {
  const controller = new AbortController();
  const signals = new Set(given);
  const abort = () => controller.abort(reasonOf(signals));
  for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    forget() {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    },
  };
}

function reasonOf(signals: ReadonlySet<AbortSignal>): unknown {
  return [...signals].find(({ aborted }) => aborted)?.reason;
}
