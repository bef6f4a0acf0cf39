/** So long it is trusted: after a crash of the server the log may have moved unseen. */
const TRUSTED_MS = 30_000;

/** A number of draws that the database has given, for the next statement to be given back. */
export class Trusted {
  #value: string | undefined;
  #until = 0;

  /** It is forgotten, unless the statement says it again. */
  take(): string | undefined {
    const value = performance.now() < this.#until ? this.#value : undefined;
    this.#value = undefined;
    if (value === undefined) this.#until = performance.now() + TRUSTED_MS;
    return value;
  }

  keep(value: string | undefined): void {
    this.#value = value;
  }

  forget(): void {
    this.#value = undefined;
  }
}
