import { Fifo } from "../fifo.js";
import type { Item } from "./held.js";

/** Items of which some may start, and some must go back to the database, where they are held behind others of their key. */
export interface Admission {
  readonly starting: readonly Item[];
  readonly back: readonly Item[];
}

interface Line {
  /** Items that were started and are not over. */
  running: number;
  /** Undefined while none has waited. */
  waiting: Fifo<Item> | undefined;
}

interface Closed {
  /** Items of the line that went back and are not recorded yet. */
  unsaved: number;
  /** The last claim that may have been made without knowing of them. */
  until: number;
}

/**
 * The lines of an ordered queue in this process: of the messages of a key and topic one runs, and those claimed after it
 * wait, unless they run at once, in order. If it does not end well, they go back behind it. Until that is recorded, claims under way may bring more of the
 * key, since they are given what follows the worker's own messages: these go back, too.
 */
export class KeyLines {
  readonly #atOnce: boolean;
  readonly #lines = new Map<string, Line>();
  /** Lines of which one that ran has gone back: no other may run. */
  readonly #broken = new Set<string>();
  readonly #closed = new Map<string, Closed>();
  readonly #unsaved = new Map<Item, string>();
  readonly #claiming = new Set<number>();
  #claims = 0;
  /** What claims up to this one bring follows on work that was lost. */
  #lostUntil = 0;

  /** `atOnce`: of a key not one runs, but all that are there, which are started in their order. */
  constructor(atOnce = false) {
    this.#atOnce = atOnce;
  }

  /** To be called before a batch is claimed, and `endClaim` after its items have entered. */
  beginClaim(): number {
    this.#claims += 1;
    this.#claiming.add(this.#claims);
    return this.#claims;
  }

  endClaim(claim: number): void {
    this.#claiming.delete(claim);
    const oldest = Math.min(this.#claims + 1, ...this.#claiming);
    for (const [line, { until }] of this.#closed) if (until < oldest) this.#closed.delete(line);
  }

  /** Items of one claim, in order; at most `most` of a key wait. Without a `claim` they are deliveries, which are first of their line. */
  enter(items: readonly Item[], most: number, claim?: number): Admission {
    const starting: Item[] = [];
    const back: Item[] = [];
    for (const item of items) {
      const { line } = item;
      if (line === undefined) starting.push(item);
      else if (this.#isShut(line, most, claim)) back.push(this.#sendBack(item, line));
      else this.#join(item, line, starting);
    }
    return { starting, back };
  }

  /** The item that ran is over (`isOver`), or will come again. */
  leave(item: Item, isOver: boolean): Admission {
    const { line: id } = item;
    const line = id === undefined ? undefined : this.#lines.get(id);
    if (id === undefined || line === undefined || item.held.lost) return NOBODY;
    line.running -= 1;
    if (!isOver) {
      this.#sendBack(item, id);
      this.#broken.add(id);
    }
    const waiting = line.waiting?.size ? line.waiting : undefined;
    if (!waiting) {
      if (line.running === 0) this.#end(id);
      return NOBODY;
    }
    const back = isOver ? [] : waiting.drain().map((one) => this.#sendBack(one, id));
    const starting = isOver ? [waiting.shift()] : [];
    line.running += starting.length;
    if (line.running === 0) this.#end(id);
    return { starting, back };
  }

  /** One of its key has gone back, so that it must not run. */
  isBroken({ line }: Item): boolean {
    return line !== undefined && this.#broken.size > 0 && this.#broken.has(line);
  }

  /** The database knows what has become of the item. */
  recorded(item: Item): void {
    const line = this.#unsaved.get(item);
    if (line === undefined) return;
    this.#unsaved.delete(item);
    const closed = this.#closed.get(line);
    if (!closed) return;
    closed.unsaved -= 1;
    if (closed.unsaved === 0) closed.until = this.#claims;
  }

  /** Everything that is held was lost, or is given back. Returns what waits. */
  clear(): readonly Item[] {
    const waiting = [...this.#lines.values()].flatMap(({ waiting }) => waiting?.drain() ?? []);
    this.#lines.clear();
    this.#broken.clear();
    this.#closed.clear();
    this.#unsaved.clear();
    this.#lostUntil = this.#claims;
    return waiting;
  }

  #isShut(id: string, most: number, claim: number | undefined): boolean {
    if (this.#broken.has(id)) return true;
    if (claim === undefined) return false;
    const line = this.#lines.get(id);
    if (claim <= Math.max(this.#lostUntil, this.#closed.get(id)?.until ?? 0)) return true;
    return line !== undefined && this.#atOnce
      ? line.running >= most
      : (line?.waiting?.size ?? 0) >= most;
  }

  #join(item: Item, id: string, starting: Item[]): void {
    const line = this.#lines.get(id) ?? this.#begin(id);
    if (line.running > 0 && !this.#atOnce) {
      line.waiting ??= new Fifo();
      line.waiting.push(item);
      return;
    }
    line.running += 1;
    starting.push(item);
  }

  #begin(id: string): Line {
    const line = { running: 0, waiting: undefined };
    this.#lines.set(id, line);
    return line;
  }

  #end(id: string): void {
    this.#lines.delete(id);
    this.#broken.delete(id);
  }

  #sendBack(item: Item, line: string): Item {
    const closed = this.#closed.get(line) ?? { unsaved: 0, until: Number.POSITIVE_INFINITY };
    closed.unsaved += 1;
    closed.until = Number.POSITIVE_INFINITY;
    this.#closed.set(line, closed);
    this.#unsaved.set(item, line);
    return item;
  }
}

const NOBODY: Admission = { starting: [], back: [] };
