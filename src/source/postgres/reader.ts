import type { Outcome, Sink } from "../source.js";
import { Demand } from "./demand.js";
import type { Item } from "./held.js";
import { Intake, type Taken } from "./intake.js";
import { type Admission, KeyLines } from "./key-lines.js";
import type { Pressure } from "./pressure.js";
import { RoomQueue } from "./room-queue.js";
import { Taker, type TakerOptions } from "./taker.js";

export interface ReaderOptions extends TakerOptions {
  /** More may be met later. */
  readonly topics: Iterable<string>;
  readonly concurrency: number;
  readonly sink: Sink;
  readonly pressure: Pressure;
  /** Runs items when workers are free. */
  readonly start: (items: readonly Item[]) => void;
  readonly onIdle: () => void;
  readonly onError: (error: unknown) => void;
}

/** One queue in this process: an intake for each topic, and one for deliveries. */
export class Reader {
  readonly demand: Demand;
  readonly #options: ReaderOptions;
  readonly #taker: Taker;
  readonly #lines: KeyLines;
  readonly #topics = new Map<string, Intake>();
  readonly #deliveries: Intake;
  readonly #room: RoomQueue;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#taker = new Taker(options);
    const atOnce = options.sink.gathering !== undefined;
    this.#lines = new KeyLines(atOnce);
    this.demand = new Demand(options.concurrency, atOnce);
    this.#room = new RoomQueue(this.demand);
    this.#deliveries = this.#intake((limit) => this.#takeDeliveries(limit));
    for (const topic of options.topics) this.#topic(topic);
  }

  get intakes(): readonly Intake[] {
    return [...this.#topics.values(), this.#deliveries];
  }

  get topics(): readonly Intake[] {
    return [...this.#topics.values()];
  }

  /** There may be news on a topic. */
  wakeTopic(topic: string): void {
    this.#topic(topic).wake();
  }

  /** A delivery is due. */
  wakeDeliveries(): void {
    this.#deliveries.wake();
  }

  /** The way is free for a suspect. */
  unblock(): void {
    this.#deliveries.unblock();
  }

  /** The item has run. */
  finished(item: Item, { type }: Outcome, durationMs: number): void {
    this.demand.finished(durationMs);
    if (this.#options.isOrdered) {
      const { starting, back } = this.#lines.leave(item, type === "done" || type === "dead");
      this.#giveBack(back);
      for (const _ of back) this.demand.finished();
      if (starting.length > 0) this.#options.start(starting);
    }
    this.#room.next();
  }

  /** False for one that must not run: it is lost, or goes back behind one of its key that did not end well. */
  starts(item: Item): boolean {
    if (!item.held.lost) {
      if (!this.#options.isOrdered || !this.#lines.isBroken(item)) return true;
      this.#lines.leave(item, false);
      this.#giveBack([item]);
    }
    this.demand.finished();
    this.#room.next();
    return false;
  }

  /** Starts items, as far as this process handles them, and no line of a key is in the way. */
  admit(items: readonly Item[], claim?: number): void {
    const { isOrdered, start } = this.#options;
    const { starting, back } = isOrdered
      ? this.#lines.enter(items, this.demand.perKey, claim)
      : this.#park(items);
    this.#giveBack(back);
    this.demand.took(items.length - back.length);
    start(starting);
  }

  /** The database knows that an item will come again. */
  recorded(item: Item): void {
    this.#lines.recorded(item);
  }

  /** All that this process held of the queue was lost. */
  lost(): void {
    this.#taker.lost();
    this.clearLines();
  }

  /** Takes out what waits behind others of its key. */
  clearLines(): readonly Item[] {
    const waiting = this.#lines.clear();
    for (const _ of waiting) this.demand.finished();
    this.#room.next();
    return waiting;
  }

  async stop(): Promise<void> {
    await Promise.all(this.intakes.map((intake) => intake.stop()));
  }

  #topic(topic: string): Intake {
    const known = this.#topics.get(topic);
    if (known) return known;
    const intake = this.#intake((limit) => this.#takeBatch(topic, limit));
    this.#topics.set(topic, intake);
    return intake;
  }

  #intake(take: (limit: number) => Promise<Taken>): Intake {
    const { pressure, onIdle, onError } = this.#options;
    return new Intake({ demand: this.demand, room: this.#room, pressure, take, onIdle, onError });
  }

  async #takeBatch(topic: string, limit: number): Promise<Taken> {
    const claim = this.#lines.beginClaim();
    try {
      const taken = await this.#taker.takeBatch(topic, limit);
      if (!taken) return this.#forget(topic);
      this.admit(taken.items, claim);
      return taken;
    } finally {
      this.#lines.endClaim(claim);
    }
  }

  async #takeDeliveries(limit: number): Promise<Taken> {
    const taken = await this.#taker.takeDeliveries(limit, this.demand.perKey);
    this.admit(taken.items);
    return taken;
  }

  /** The queue has been unsubscribed from the topic. Should that change, a poll brings it back. */
  #forget(topic: string): Taken {
    const intake = this.#topics.get(topic);
    this.#topics.delete(topic);
    if (intake) this.#room.leave(intake);
    void intake?.stop();
    return { count: 0, left: "none" };
  }

  /** What this process has no handler for goes back at once; in a line only when its turn comes. */
  #park(items: readonly Item[]): Admission {
    const { sink, queue } = this.#options;
    const isHandled = ({ message }: Item) => sink.handles(queue, message.name);
    if (items.every(isHandled)) return { starting: items, back: [] };
    return { starting: items.filter(isHandled), back: items.filter((item) => !isHandled(item)) };
  }

  #giveBack(items: readonly Item[]): void {
    const type = this.#options.isOrdered ? "held" : "parked";
    for (const item of items) this.#options.ledger.settle(item, { type });
  }
}
