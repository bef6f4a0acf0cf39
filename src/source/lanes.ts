import { Fifo } from "./fifo.js";

/** So many items start before the event loop turns, or else handlers that don't wait keep the next ones from being fetched. */
const BURST = 200;

export interface LanesOptions<T> {
  /** Items that run at once, over all queues. */
  readonly maxWorkers: number;
  /** Items of one queue that run at once; undefined for as many as there are workers. */
  readonly concurrencyOf: (queue: string) => number | undefined;
  /** Calls `done` once the item is over, not before it has returned. */
  readonly run: (item: T, done: () => void) => void;
}

interface Lane<T> {
  readonly items: Fifo<T>;
  readonly concurrency: number;
  running: number;
  /** In the list of lanes that wait for a worker. */
  waiting: boolean;
  readonly done: () => void;
}

/**
 * Shares the workers of a source among its queues: first in, first out within a queue, and the queues
 * that have something to do take turns.
 */
export class Lanes<T> {
  readonly #options: LanesOptions<T>;
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #turns = new Fifo<Lane<T>>();
  #running = 0;
  #pending = 0;
  #burst = 0;
  #onIdle: (() => void)[] = [];

  constructor(options: LanesOptions<T>) {
    this.#options = options;
  }

  /** Items that have been started and not finished. */
  get running(): number {
    return this.#running;
  }

  /** Items of a queue, or of all, that have not been started. */
  pending(queue?: string): number {
    if (queue === undefined) return this.#pending;
    return this.#lanes.get(queue)?.items.size ?? 0;
  }

  add(queue: string, item: T): void {
    this.addMany(queue, [item]);
  }

  addMany(queue: string, items: Iterable<T>): void {
    const lane = this.#lane(queue);
    for (const item of items) {
      lane.items.push(item);
      this.#pending += 1;
    }
    this.#line(lane);
    this.#start();
  }

  /** Gives back what has not been started, in order of its queue. */
  clear(): T[] {
    this.#pending = 0;
    return [...this.#lanes.values()].flatMap((lane) => lane.items.drain());
  }

  /** Resolves as soon as nothing runs, and so nothing is pending. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#settle();
    });
  }

  #lane(queue: string): Lane<T> {
    const known = this.#lanes.get(queue);
    if (known) return known;
    const lane: Lane<T> = {
      items: new Fifo(),
      concurrency: this.#options.concurrencyOf(queue) ?? this.#options.maxWorkers,
      running: 0,
      waiting: false,
      done: () => this.#done(lane),
    };
    this.#lanes.set(queue, lane);
    return lane;
  }

  #line(lane: Lane<T>): void {
    if (lane.waiting || lane.items.size === 0 || lane.running >= lane.concurrency) return;
    lane.waiting = true;
    this.#turns.push(lane);
  }

  #start(): void {
    while (this.#running < this.#options.maxWorkers && this.#turns.size > 0) {
      if (this.#burst === BURST) return;
      const lane = this.#turns.shift();
      lane.waiting = false;
      if (lane.items.size === 0) continue;
      const item = lane.items.shift();
      this.#pending -= 1;
      lane.running += 1;
      this.#running += 1;
      this.#line(lane);
      this.#burst += 1;
      if (this.#burst === BURST) setImmediate(this.#turned);
      this.#options.run(item, lane.done);
    }
  }

  readonly #turned = () => {
    this.#burst = 0;
    this.#start();
  };

  #done(lane: Lane<T>): void {
    lane.running -= 1;
    this.#running -= 1;
    this.#line(lane);
    this.#start();
    this.#settle();
  }

  #settle(): void {
    if (this.#running > 0 || this.#pending > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
