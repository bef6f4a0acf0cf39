import type { MemoryItem } from "./memory-state.js";

/** The lines of the ordered queues of a memory source: of each key (and topic) only the first message runs. */
export class MemoryLines {
  readonly #isOrdered: (queue: string) => boolean;
  readonly #lines = new Map<string, MemoryItem[]>();

  constructor(isOrdered: (queue: string) => boolean) {
    this.#isOrdered = isOrdered;
  }

  /** Takes its place in its line, if it has none yet. True if it is the first, or in no line. */
  join(item: MemoryItem): boolean {
    const id = this.#lineOf(item);
    if (id === undefined) return true;
    const line = this.#lines.get(id) ?? [];
    this.#lines.set(id, line);
    if (!line.includes(item)) line.push(item);
    return line[0] === item;
  }

  /** The first is over. Returns the next one. */
  leave(item: MemoryItem): MemoryItem | undefined {
    const id = this.#lineOf(item);
    const line = id === undefined ? undefined : this.#lines.get(id);
    if (id === undefined || line === undefined) return undefined;
    line.shift();
    if (line.length === 0) this.#lines.delete(id);
    return line[0];
  }

  #lineOf({ queue, message: { topic, key } }: MemoryItem): string | undefined {
    if (key === undefined || !this.#isOrdered(queue)) return undefined;
    return `${queue} ${topic} ${key}`;
  }
}
