export interface Deadline {
  /** Aborts at the end. Only made when it is asked for, since it costs more than the rest of a call. */
  readonly signal: AbortSignal;
  /** Calls `listener` with the reason at the end, at once if that has come. */
  onEnd(listener: (reason: unknown) => void): void;
  /** Throws the reason, if the end has come. */
  throwIfOver(): void;
  /** What the work comes to, or a rejection at the end, whether or not the work heeds the signal. */
  race<T>(work: Promise<T>): Promise<T>;
  /** Must be called once the work is over, so that neither the timer nor the listener stays behind. */
  clear(): void;
}

/** The end of some work: when `parent` aborts, with its reason, or after `timeoutMs` with the error that `timeout` makes. */
export function deadline(parent: AbortSignal, timeoutMs: number, timeout: () => Error): Deadline {
  let controller: AbortController | undefined;
  let ended: { readonly reason: unknown } | undefined;
  let reject: (reason: unknown) => void = () => {};
  let tell: (reason: unknown) => void = () => {};
  const end = (reason: unknown) => {
    ended ??= { reason };
    controller?.abort(ended.reason);
    reject(ended.reason);
    tell(ended.reason);
  };
  const abort = () => end(parent.reason);
  if (parent.aborted) abort();
  parent.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => end(timeout()), timeoutMs);
  return {
    get signal() {
      if (controller) return controller.signal;
      controller = new AbortController();
      if (ended) controller.abort(ended.reason);
      return controller.signal;
    },
    onEnd(listener) {
      tell = listener;
      if (ended) tell(ended.reason);
    },
    throwIfOver() {
      if (ended) throw ended.reason;
    },
    race: (work) =>
      new Promise((resolve, rejectRace) => {
        reject = rejectRace;
        if (ended) reject(ended.reason);
        Promise.resolve(work).then(resolve, reject);
      }),
    clear() {
      clearTimeout(timer);
      parent.removeEventListener("abort", abort);
    },
  };
}
