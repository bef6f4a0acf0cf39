/** Entries that have gone, before the map is made anew. */
const MAX_GONE = 1_024;

/**
 * A map of entries that come and go. To delete one from a `Map` leaves a table behind at every so many, which points to its
 * successor: once one is old, all later ones stay in memory with what they held until the next full collection.
 */
export class BriefMap<V> {
  #entries = new Map<string, V | undefined>();
  #gone = 0;

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** The key must not be there. */
  add(key: string, value: V): void {
    const { size } = this.#entries;
    this.#entries.set(key, value);
    if (this.#entries.size === size) this.#gone -= 1;
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return;
    this.#entries.set(key, undefined);
    this.#gone += 1;
    if (this.#gone < Math.max(MAX_GONE, this.#entries.size / 2)) return;
    this.#entries = new Map(this.#present());
    this.#gone = 0;
  }

  *values(): Generator<V> {
    for (const [, value] of this.#present()) yield value;
  }

  #present(): [string, V][] {
    return [...this.#entries].filter((entry): entry is [string, V] => entry[1] !== undefined);
  }
}
