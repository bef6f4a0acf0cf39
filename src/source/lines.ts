/** The lines of ordered queues: of each key, only the first item runs. */
export class Lines<T> {
  readonly #lineOf: (item: T) => string | undefined;
  readonly #lines = new Map<string, T[]>();

  /** `lineOf` gives the line of an item, undefined if it stands in none. */
  constructor(lineOf: (item: T) => string | undefined) {
    this.#lineOf = lineOf;
  }

  /** Takes its place in its line, if it has none yet. True if it is the first, or in no line. */
  join(item: T): boolean {
    const id = this.#lineOf(item);
    if (id === undefined) return true;
    const line = this.#lines.get(id) ?? [];
    this.#lines.set(id, line);
    if (line[0] !== item && !line.includes(item)) line.push(item);
    return line[0] === item;
  }

  /** The first is over. Returns the next one. */
  leave(item: T): T | undefined {
    const id = this.#lineOf(item);
    const line = id === undefined ? undefined : this.#lines.get(id);
    if (id === undefined || line?.[0] !== item) return undefined;
    line.shift();
    if (line.length === 0) this.#lines.delete(id);
    return line[0];
  }
}
