import type { BatchKey, Leftover } from "../../src/postgres/batch.js";
import type { DeliveryKey } from "../../src/postgres/delivery.js";

/** A message; `at` is its place in the order of positions. */
export interface Sent {
  readonly id: string;
  readonly topic: string;
  readonly at: number;
  /** To be delivered in a year. */
  readonly isDelayed: boolean;
}

/** Where a queue stands on a topic. */
export interface Cursor {
  readonly queue: string;
  readonly topic: string;
  /** What some window has covered, or what was there before the subscription. */
  readonly known: Set<Sent>;
  /** What the current window still holds, in order. */
  remaining: Sent[];
  isSubscribed: boolean;
}

/** A batch in the hands of a worker, which keeps its key also when it has lost it. */
export interface Lease {
  readonly key: BatchKey;
  readonly messages: ReadonlyMap<string, Sent>;
  /** Positions that are recorded as settled. */
  done: ReadonlySet<string>;
  readonly isGone: boolean;
  isOver: boolean;
  hasEnded: boolean;
}

/** A message with a row of its own. */
export interface Row {
  readonly queue: string;
  readonly message: Sent;
  state: Leftover["state"];
  attempt: number;
  lost: number;
  isDue: boolean;
  token?: string | undefined;
  isGone?: boolean;
}

/** A row in the hands of a worker, which keeps its key also when it has lost it. */
export interface Hold {
  readonly key: DeliveryKey;
  readonly row: Row;
}

/** What the engine has to know, as plainly as it can be said. */
export class Model {
  readonly queues: readonly string[];
  readonly topics: readonly string[];
  readonly committed: Sent[] = [];
  /** What open transactions have published, by their number. */
  readonly open = new Map<number, Sent[]>();
  readonly cursors = new Map<string, Cursor>();
  readonly leases: Lease[] = [];
  readonly rows = new Map<string, Row>();
  readonly holds: Hold[] = [];

  constructor(run: number) {
    this.queues = [`q${run}a`, `q${run}b`];
    this.topics = [`t${run}x`, `t${run}y`];
  }

  cursor(queue: string, topic: string): Cursor | undefined {
    return this.cursors.get(`${queue} ${topic}`);
  }

  isSubscribed(queue: string, topic: string): boolean {
    return this.cursor(queue, topic)?.isSubscribed ?? false;
  }

  /** A queue that has a cursor goes on where that stands. */
  subscribe(queue: string, topic: string, startAt: "now" | "earliest"): void {
    const present = this.#committedOn(topic);
    const remaining = startAt === "now" ? [] : present;
    const fresh = { queue, topic, known: new Set(present), remaining, isSubscribed: true };
    const cursor = this.cursor(queue, topic) ?? fresh;
    cursor.isSubscribed = true;
    this.cursors.set(`${queue} ${topic}`, cursor);
  }

  dropCursors(queue: string): void {
    for (const [place, cursor] of this.cursors) {
      const isHeld = this.openLeases().some(
        ({ key }) => key.queue === queue && key.topic === cursor.topic,
      );
      if (cursor.queue === queue && !cursor.isSubscribed && !isHeld) this.cursors.delete(place);
    }
  }

  /** The next messages, at most `limit`: of the current window, and of a new one only where that is exhausted. */
  take(cursor: Cursor, limit: number): Sent[] {
    if (cursor.remaining.length === 0) {
      cursor.remaining = this.#unknown(cursor);
      for (const message of cursor.remaining) cursor.known.add(message);
    }
    return cursor.remaining.splice(0, limit);
  }

  /** How many messages the queue has not taken yet. */
  lag(cursor: Cursor): number {
    return cursor.isSubscribed ? cursor.remaining.length + this.#unknown(cursor).length : 0;
  }

  /** What the queue has not taken yet. */
  unread(cursor: Cursor): Sent[] {
    return [...cursor.remaining, ...this.#unknown(cursor)];
  }

  /** All of the topic is known, and what is there from `first` on is to be taken next. */
  readFrom(cursor: Cursor, first: number): void {
    const present = this.#committedOn(cursor.topic);
    for (const message of present) cursor.known.add(message);
    cursor.remaining = present.filter(({ at }) => at >= first);
  }

  openLeases(): Lease[] {
    return this.leases.filter(({ hasEnded }) => !hasEnded);
  }

  /** What workers still have of what they took. */
  openHolds(): Hold[] {
    return this.holds.filter((hold) => this.has(hold));
  }

  rowsOf(queue: string): Row[] {
    return [...this.rows.values()].filter((row) => row.queue === queue);
  }

  /** Does nothing where the message has a row already. */
  addRow(row: Row): void {
    const place = `${row.queue} ${row.message.id}`;
    if (!this.rows.has(place)) this.rows.set(place, row);
  }

  removeRow({ queue, message }: Row): void {
    this.rows.delete(`${queue} ${message.id}`);
  }

  /** Whether the worker still has what it holds. */
  has({ key, row }: Hold): boolean {
    return this.rows.get(`${row.queue} ${row.message.id}`) === row && row.token === key.token;
  }

  #unknown({ topic, known }: Cursor): Sent[] {
    return this.#committedOn(topic).filter((message) => !known.has(message));
  }

  #committedOn(topic: string): Sent[] {
    return this.committed.filter((sent) => sent.topic === topic).sort((a, b) => a.at - b.at);
  }
}
