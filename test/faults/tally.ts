import type { Book } from "./book.js";
import { DEAD } from "./messages.js";

/** A fault, and what was in flight when it came: so many messages may be handled again. */
export interface Fault {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly inFlight: number;
}

export interface Bounds {
  /** From a fault to when all that was committed before it is handled. */
  readonly recoveryMs: number;
  /** Messages that may be handled again; undefined: what was in flight at the faults. */
  readonly repeats: number | undefined;
  /** The queue is ordered. */
  readonly ordered: boolean;
  /** The server has forgotten commits: what is not in the log does not count. */
  readonly forgets: boolean;
}

/** What is in the database at the end. */
export interface End {
  readonly committed: readonly string[];
  /** Of each dead message the reason's code. */
  readonly dead: ReadonlyMap<string, string>;
  /** Leases, and rows of messages that are not dead. */
  readonly open: number;
}

export interface Tally {
  readonly published: number;
  readonly committed: number;
  readonly handled: number;
  readonly dead: number;
  readonly repeated: number;
  readonly repeatsBound: number;
  /** The ids of what was committed, and neither handled nor dead as it should be; or committed as far as the publisher knows, and not in the log. */
  readonly lost: readonly string[];
  /** Handled, and not in the log, or in a transaction that was rolled back. */
  readonly uncommitted: number;
  /** Handled after a later message of the key; undefined where the queue is not ordered. */
  readonly reordered: number | undefined;
  readonly faults: number;
  readonly faultsInFlight: number;
  readonly recoveryMs: number;
  readonly recoveryBoundMs: number;
  readonly open: number;
}

export function tally(book: Book, end: End, faults: readonly Fault[], bounds: Bounds): Tally {
  const inFlight = faults.reduce((sum, fault) => sum + fault.inFlight, 0);
  const times = [...book.handled.values()].reduce((sum, handled) => sum + handled.times, 0);
  return {
    published: book.published.size,
    committed: end.committed.length,
    handled: book.handled.size,
    dead: end.dead.size,
    repeated: times - book.handled.size,
    repeatsBound: bounds.repeats ?? inFlight,
    lost: findLost(book, end, bounds),
    uncommitted: countUncommitted(book, end, bounds),
    reordered: bounds.ordered ? countReordered(book) : undefined,
    faults: faults.length,
    faultsInFlight: faults.filter((fault) => fault.inFlight > 0).length,
    recoveryMs: Math.max(0, ...faults.map((fault) => recoveryMs(book, fault))),
    recoveryBoundMs: bounds.recoveryMs,
    open: end.open,
  };
}

/** What is wrong, a line each; nothing if all is well. `isTimed`: a recovery that took too long is wrong, too. */
export function violations(tally: Tally, isTimed: boolean): string[] {
  const found = (count: number, text: string) => (count > 0 ? [`${count} ${text}`] : []);
  return [
    ...found(tally.lost.length, "lost"),
    ...found(tally.uncommitted, "uncommitted seen"),
    ...found(tally.reordered ?? 0, "reordered"),
    ...found(tally.open, "left open"),
    ...(tally.repeated > tally.repeatsBound
      ? [`${tally.repeated} repeated, ${tally.repeatsBound} allowed`]
      : []),
    ...(tally.faults === 0 || tally.faultsInFlight < tally.faults
      ? [`${tally.faultsInFlight} of ${tally.faults} faults came while messages were in flight`]
      : []),
    ...(isTimed && tally.recoveryMs > tally.recoveryBoundMs
      ? [`recovered in ${tally.recoveryMs} ms, ${tally.recoveryBoundMs} allowed`]
      : []),
  ];
}

/** True if a committed message has come to the end that it should. */
export function hasEnded(book: Book, dead: End["dead"], id: string): boolean {
  const code = DEAD[book.published.get(id)?.kind ?? "plain"];
  return code === undefined ? book.handled.has(id) : dead.get(id) === code;
}

function findLost(book: Book, { committed, dead }: End, { forgets }: Bounds): string[] {
  const log = new Set(committed);
  const lost = committed.filter((id) => !hasEnded(book, dead, id));
  if (forgets) return lost;
  for (const [id, { tx }] of book.published)
    if (book.transactions.get(tx)?.how === "committed" && !log.has(id)) lost.push(id);
  return lost;
}

function countUncommitted(book: Book, { committed }: End, { forgets }: Bounds): number {
  const log = new Set(committed);
  const isCommitted = (id: string) => {
    const tx = book.published.get(id)?.tx;
    return (
      (forgets || log.has(id)) &&
      tx !== undefined &&
      book.transactions.get(tx)?.how !== "rolled back"
    );
  };
  return [...book.handled.keys()].filter((id) => !isCommitted(id)).length;
}

/** The book holds first attempts in the order in which workers recorded them; their times decide between workers. */
function countReordered(book: Book): number {
  const newest = new Map<string, number>();
  const inTime = [...book.handled.values()].sort((a, b) => a.firstAt - b.firstAt);
  let count = 0;
  for (const { key, n } of inTime) {
    const before = newest.get(key) ?? -1;
    if (n < before) count += 1;
    newest.set(key, Math.max(n, before));
  }
  return count;
}

/** What is to be handled later has no part in it, and what can't be handled. */
function recoveryMs({ published, transactions, handled }: Book, { at }: Fault): number {
  let last = at;
  for (const [id, { kind, tx }] of published) {
    if (kind !== "plain") continue;
    const committedAt = transactions.get(tx)?.at ?? Number.POSITIVE_INFINITY;
    if (committedAt <= at) last = Math.max(last, handled.get(id)?.firstAt ?? at);
  }
  return last - at;
}
