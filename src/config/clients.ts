/** Pools and clients that a configuration has made: one for all who need the same. */
export class Clients {
  readonly #made = new Map<
    string,
    { readonly client: unknown; readonly end: () => Promise<unknown> }
  >();

  /** The client that was made from these settings before, or a new one. */
  shared<T>(settings: object, make: () => T, end: (client: T) => Promise<unknown>): T {
    const key = JSON.stringify(settings);
    const known = this.#made.get(key);
    if (known) return known.client as T;
    const client = make();
    this.#made.set(key, { client, end: () => end(client) });
    return client;
  }

  /** Ends all, also where one can't be ended; throws the first error then. */
  async close(): Promise<void> {
    const all = [...this.#made.values()];
    this.#made.clear();
    const results = await Promise.allSettled(all.map(({ end }) => end()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}
