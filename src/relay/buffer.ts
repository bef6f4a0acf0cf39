import type { Delivery, Outcome, Settle } from "../source/source.js";

/** A delivery that waits for its outcome. */
export class Entry {
  readonly delivery: Delivery;
  readonly #settle: Settle;

  constructor(delivery: Delivery, settle: Settle) {
    this.delivery = delivery;
    this.#settle = settle;
  }

  settle(outcome: Outcome): void {
    this.#settle(this.delivery, outcome);
  }
}

export interface BufferOptions {
  /** The messages of a line, those of one topic and key, keep their order. */
  readonly ordered: boolean;
  /** Several of a line may be in one call. */
  readonly together: boolean;
}

/** Those of one topic and key; undefined for a message without a key. */
function lineOf({ delivery: { message } }: Entry): string | undefined {
  const { topic, key } = message;
  return key === undefined ? undefined : `${topic} ${key}`;
}

/** Deliveries that no call has, in the order in which they came. */
export class Buffer {
  readonly #options: BufferOptions;
  #entries: Entry[] = [];

  constructor(options: BufferOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.length;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Undefined if nothing keeps the message in order. */
  lineOf(entry: Entry): string | undefined {
    return this.#options.ordered ? lineOf(entry) : undefined;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Before all others. */
  putBack(entries: readonly Entry[]): void {
    this.#entries = [...entries, ...this.#entries];
  }

  /** Takes out the first ones for a call, at most `max`, and nothing of these lines. */
  take(max: number, except: ReadonlySet<string>): readonly Entry[] {
    const { ordered, together } = this.#options;
    if (!ordered || (together && except.size === 0)) return this.#entries.splice(0, max);
    const lines = new Set(except);
    let left = max;
    return this.#remove((entry) => {
      if (left === 0) return false;
      const line = this.lineOf(entry);
      if (line !== undefined && lines.has(line)) return false;
      if (line !== undefined && !together) lines.add(line);
      left -= 1;
      return true;
    });
  }

  /** Takes out all of these lines. */
  withdraw(lines: ReadonlySet<string>): readonly Entry[] {
    if (lines.size === 0) return [];
    return this.#remove((entry) => lines.has(this.lineOf(entry) ?? ""));
  }

  /** Takes out everything. */
  drain(): readonly Entry[] {
    return this.#entries.splice(0);
  }

  #remove(isOut: (entry: Entry) => boolean): readonly Entry[] {
    const out: Entry[] = [];
    const left: Entry[] = [];
    for (const entry of this.#entries) (isOut(entry) ? out : left).push(entry);
    this.#entries = left;
    return out;
  }
}
