/** The end of some work: when `parent` aborts, with its reason, or after `timeoutMs` with the error that `timeout` makes. */
export class Deadline {
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = () => this.#end(this.#parent.reason);
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #tell: ((reason: unknown) => void) | undefined;

  constructor(parent: AbortSignal, timeoutMs: number, timeout: () => Error) {
    this.#parent = parent;
    if (parent.aborted) this.#abort();
    parent.addEventListener("abort", this.#abort, { once: true });
    this.#timer = setTimeout(() => this.#end(timeout()), timeoutMs);
  }

  /** Aborts at the end. Only made when it is asked for, since it costs more than the rest of a call. */
  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    this.#controller = new AbortController();
    if (this.#ended) this.#controller.abort(this.#ended.reason);
    return this.#controller.signal;
  }

  /** Calls `listener` with the reason at the end, at once if that has come. */
  onEnd(listener: (reason: unknown) => void): void {
    this.#tell = listener;
    if (this.#ended) listener(this.#ended.reason);
  }

  /** Throws the reason, if the end has come. */
  throwIfOver(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** What the work comes to, or a rejection at the end, whether or not the work heeds the signal. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#ended) reject(this.#ended.reason);
      Promise.resolve(work).then(resolve, reject);
    });
  }

  /** Must be called once the work is over, so that neither the timer nor the listener stays behind. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener("abort", this.#abort);
  }

  #end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#controller?.abort(this.#ended.reason);
    this.#reject?.(this.#ended.reason);
    this.#tell?.(this.#ended.reason);
  }
}
