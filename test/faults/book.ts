import type { HandledLine, Kind, PublishedLine } from "./messages.js";
import { Lines } from "./record.js";

export interface Published {
  readonly kind: Kind;
  readonly tx: string;
}

export interface Transaction {
  readonly how: "committed" | "rolled back";
  /** When its end was known, in milliseconds since 1970. */
  readonly at: number;
}

export interface Handled {
  readonly key: string;
  readonly n: number;
  readonly firstAt: number;
  times: number;
}

/** All that the processes of a case have recorded so far. */
export class Book {
  readonly published = new Map<string, Published>();
  /** Those whose end is known. */
  readonly transactions = new Map<string, Transaction>();
  readonly handled = new Map<string, Handled>();
  /** Of each worker, how many messages. */
  readonly handledBy = new Map<string, number>();
  readonly #lines: Lines;

  constructor(folder: string) {
    this.#lines = new Lines(folder);
  }

  read(): this {
    this.#lines.read<PublishedLine>(".published", (line) => this.#publish(line));
    this.#lines.read<HandledLine>(".handled", (line, file) => this.#handle(line, file));
    return this;
  }

  /** Messages of a publisher whose transaction has not ended, as far as it could say. */
  unresolved(publisher: string): number {
    let count = 0;
    for (const { tx } of this.published.values())
      if (tx.startsWith(`${publisher}-`) && !this.transactions.has(tx)) count += 1;
    return count;
  }

  #publish(line: PublishedLine): void {
    if ("end" in line) this.transactions.set(line.tx, { how: line.end, at: line.at });
    else for (const [id, , , kind] of line.messages) this.published.set(id, { kind, tx: line.tx });
  }

  #handle([id, key, n, at]: HandledLine, file: string): void {
    const worker = file.split(".", 1)[0] as string;
    this.handledBy.set(worker, (this.handledBy.get(worker) ?? 0) + 1);
    const before = this.handled.get(id);
    if (before) before.times += 1;
    else this.handled.set(id, { key, n, firstAt: at, times: 1 });
  }
}
