import type { Published, PublishedLog } from "./published.js";
import { isWanted, type SimulatedQueue } from "./queue.js";

/** Who holds a message: any object, compared by identity. */
type Holder = object;

/** What must be zero. */
export interface Violations {
  lost: number;
  twice: number;
  uncommitted: number;
  early: number;
  unwanted: number;
  fenced: number;
  finishedTwice: number;
  inversions: number;
}

/** Follows one queue: what its workers claimed and finished, against what was published. */
export class Oracle {
  readonly #log: PublishedLog;
  /** How often each message came in a batch. */
  readonly #claims = new Map<string, number>();
  readonly #finishes = new Map<string, number>();
  readonly #dead = new Set<string>();
  readonly #holders = new Map<string, Holder>();
  readonly #lastOrder = new Map<string, number>();
  #uncommitted = 0;
  #inversions = 0;
  #fenced = 0;
  /** When the call of subscribe began and ended. */
  subscribeStart = 0;
  subscribeEnd = 0;

  constructor(
    readonly queue: SimulatedQueue,
    log: PublishedLog,
  ) {
    this.#log = log;
  }

  /** A message came in a batch. */
  claimed(id: string, holder: Holder): void {
    this.#claims.set(id, (this.#claims.get(id) ?? 0) + 1);
    this.#holders.set(id, holder);
    const published = this.#log.get(id);
    if (published?.commitStart === undefined || !Number.isFinite(published.commitStart)) {
      this.#uncommitted += 1;
    }
    if (published && this.queue.consumers === 1) this.#checkOrder(published);
  }

  /** A message came again, with a row of its own. */
  reclaimed(id: string, holder: Holder): void {
    this.#holders.set(id, holder);
  }

  /** How many of them somebody else has claimed since. */
  takenFrom(ids: readonly string[], holder: Holder): number {
    return ids.filter((id) => this.#holders.get(id) !== holder).length;
  }

  /** A settlement was accepted for messages of which so many had been taken away. */
  accepted(taken: number): void {
    this.#fenced += taken;
  }

  finished(id: string, state: "done" | "dead"): void {
    this.#finishes.set(id, (this.#finishes.get(id) ?? 0) + 1);
    if (state === "dead") this.#dead.add(id);
  }

  get finishedCount(): number {
    return this.#finishes.size;
  }

  get claimedCount(): number {
    return this.#claims.size;
  }

  get deadIds(): ReadonlySet<string> {
    return this.#dead;
  }

  /** Messages that the queue must get: what it wants and what was committed after it subscribed. */
  expected(): Published[] {
    return this.#log.committed().filter((published) => this.#isExpected(published));
  }

  /** What the queue must get and has not finished. */
  missing(): Published[] {
    return this.expected().filter(({ message }) => !this.#finishes.has(message.id));
  }

  claimsOf(id: string): number {
    return this.#claims.get(id) ?? 0;
  }

  isComplete(): boolean {
    return this.missing().length === 0;
  }

  violations(): Violations {
    const published = [...this.#claims.keys()].map((id) => this.#log.get(id));
    return {
      lost: this.missing().length,
      twice: count(this.#claims.values(), (n) => n > 1),
      uncommitted: this.#uncommitted + count(published, (one) => one?.fate !== "committed"),
      early: count(published, (one) => one !== undefined && this.#isEarly(one)),
      unwanted: count(published, (one) => one !== undefined && !isWanted(this.queue, one.message)),
      fenced: this.#fenced,
      finishedTwice: count(this.#finishes.values(), (n) => n > 1),
      inversions: this.#inversions,
    };
  }

  #isExpected({ message, commitStart }: Published): boolean {
    if (!isWanted(this.queue, message)) return false;
    return this.queue.startAt === "earliest" || commitStart >= this.subscribeEnd;
  }

  #isEarly({ commitEnd }: Published): boolean {
    return this.queue.startAt === "now" && commitEnd < this.subscribeStart;
  }

  #checkOrder({ message: { topic, key }, order }: Published): void {
    if (key === undefined || order === undefined) return;
    const place = `${topic} ${key}`;
    if (order <= (this.#lastOrder.get(place) ?? -1)) this.#inversions += 1;
    this.#lastOrder.set(place, order);
  }
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  return [...items].filter(holds).length;
}
