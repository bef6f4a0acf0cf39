import { setMaxListeners } from "node:events";
import type { Message } from "../../message/message.js";
import type { BatchKey, BatchProgress, ClaimedBatch, Leftover } from "../../postgres/batch.js";
import type { ClaimedDelivery, DeliveryKey, DeliveryProgress } from "../../postgres/delivery.js";
import type { Delivery } from "../source.js";
import { leftoverOf, type Settlement } from "./leftover.js";

/** One message in the hands of this process. */
export interface Item extends Delivery {
  readonly position: string;
  readonly held: HeldBatch | HeldDelivery;
  /** Those of its topic and key; undefined if nothing keeps it in order. */
  readonly line: string | undefined;
  /** It may have killed a worker. */
  readonly isSuspect: boolean;
  /** When its handler was started, by `performance.now()`. */
  startedAt: number | undefined;
  /** To be called when it has run. */
  done: (() => void) | undefined;
  /** What became of it is known. */
  isSettled: boolean;
}

function lineOf({ topic, key }: Message, isOrdered: boolean): string | undefined {
  return isOrdered && key !== undefined ? `${topic} ${key}` : undefined;
}

/** What a row of its own was, or is to be, written for. */
export interface ItemLeftover {
  readonly item: Item;
  readonly leftover: Leftover;
}

/** Of one in line: `released` would let it pass those before it. */
function inLine({ message }: Item, outcome: Settlement): Settlement {
  return outcome.type === "released" && message.key !== undefined ? { type: "held" } : outcome;
}

/** What one lease covers. */
export interface Held<Progress = unknown> {
  /** The lease is lost: nothing that happens here counts any more. */
  readonly lost: boolean;
  readonly key: BatchKey | DeliveryKey;
  readonly isOrdered: boolean;
  readonly isSettled: boolean;
  /** Its message, if that may have killed a worker. */
  readonly suspect: Item | undefined;
  /** Outcomes that are not recorded yet. */
  readonly isDirty: boolean;
  /** Some outcome was not done, and will be due later. */
  readonly hasLeftovers: boolean;
  unsettled(): readonly Item[];
  settle(item: Item, outcome: Settlement): void;
  /** What is to be recorded now; given back by `restore` if it could not be. */
  takeProgress(): Progress;
  /** The items that a progress leaves for later, or that are dead. */
  leftoversOf(progress: Progress): readonly ItemLeftover[];
  restore(progress: Progress): void;
  /** Aborts the signal of what still runs. */
  abandon(reason: Error): void;
}

const NO_ITEMS: readonly Item[] = [];

export class HeldBatch implements Held<BatchProgress> {
  readonly suspect = undefined;
  readonly key: BatchKey;
  readonly isOrdered: boolean;
  items: readonly Item[];
  lost = false;
  isDirty = false;
  hasLeftovers = false;
  readonly #abort = new AbortController();
  #open: number;
  #unsaved = new Map<string, Leftover>();

  constructor({ key, messages }: ClaimedBatch, isOrdered: boolean) {
    this.key = key;
    this.isOrdered = isOrdered;
    const { signal } = this.#abort;
    setMaxListeners(0, signal); // one for each handler that looks at it
    const { queue } = key;
    this.items = messages.map(({ position, message }) => ({
      held: this,
      position,
      queue,
      message,
      line: lineOf(message, isOrdered),
      attempt: 1,
      signal,
      isSuspect: false,
      startedAt: undefined,
      done: undefined,
      isSettled: false,
    }));
    this.#open = this.items.length;
  }

  get isSettled(): boolean {
    return this.#open === 0;
  }

  unsettled(): readonly Item[] {
    return this.items.filter(({ isSettled }) => !isSettled);
  }

  settle(item: Item, outcome: Settlement): void {
    const { position } = item;
    this.isDirty = true;
    if (!item.isSettled) this.#open -= 1;
    item.isSettled = true;
    const leftover = leftoverOf(this.isOrdered ? inLine(item, outcome) : outcome, item);
    if (leftover) {
      this.hasLeftovers = true;
      this.#unsaved.set(position, leftover);
    } else if (this.#open === 0 && !this.hasLeftovers) {
      this.items = NO_ITEMS; // nobody asks for them any more, and it may take a while until that is recorded
    }
  }

  takeProgress(): BatchProgress {
    const leftovers = this.#unsaved;
    this.#unsaved = new Map();
    this.isDirty = false;
    if (this.isSettled) return { key: this.key, done: undefined, leftovers };
    const keys = this.isOrdered ? { keys: this.#openKeys() } : {};
    const done = this.items.flatMap(({ isSettled, position }) => (isSettled ? position : []));
    return { key: this.key, done, leftovers, ...keys };
  }

  leftoversOf({ leftovers }: BatchProgress): readonly ItemLeftover[] {
    if (leftovers.size === 0) return [];
    return this.items.flatMap((item) => {
      const leftover = leftovers.get(item.position);
      return leftover ? [{ item, leftover }] : [];
    });
  }

  restore({ leftovers }: BatchProgress): void {
    this.#unsaved = new Map([...leftovers, ...this.#unsaved]);
    this.isDirty = true;
  }

  abandon(reason: Error): void {
    this.lost = true;
    this.#abort.abort(reason);
  }

  #openKeys(): string[] {
    return this.unsettled().flatMap(({ message: { key } }) => key ?? []);
  }
}

export class HeldDelivery implements Held<DeliveryProgress> {
  readonly key: DeliveryKey;
  readonly isOrdered: boolean;
  readonly item: Item;
  lost = false;
  readonly #abort = new AbortController();
  #result: DeliveryProgress["result"];

  constructor({ key, attempt, lost, message }: ClaimedDelivery, isOrdered: boolean) {
    this.key = key;
    this.isOrdered = isOrdered;
    const { queue, position } = key;
    const { signal } = this.#abort;
    const isSuspect = lost > 1;
    const line = lineOf(message, isOrdered);
    const later = { startedAt: undefined, done: undefined, isSettled: false };
    this.item = {
      held: this,
      position,
      queue,
      message,
      line,
      attempt,
      signal,
      isSuspect,
      ...later,
    };
  }

  get isSettled(): boolean {
    return this.#result !== undefined;
  }

  get suspect(): Item | undefined {
    return this.item.isSuspect ? this.item : undefined;
  }

  get isDirty(): boolean {
    return this.isSettled;
  }

  get hasLeftovers(): boolean {
    return this.#result !== undefined && this.#result.state !== "done";
  }

  unsettled(): readonly Item[] {
    return this.isSettled ? [] : [this.item];
  }

  settle(item: Item, outcome: Settlement): void {
    const settlement = this.isOrdered ? inLine(item, outcome) : outcome;
    item.isSettled = true;
    this.#result = leftoverOf(settlement, item) ?? { state: "done" };
  }

  leftoversOf({ result }: DeliveryProgress): readonly ItemLeftover[] {
    return result && result.state !== "done" ? [{ item: this.item, leftover: result }] : [];
  }

  takeProgress(): DeliveryProgress {
    return { key: this.key, result: this.#result };
  }

  restore(): void {}

  abandon(reason: Error): void {
    this.lost = true;
    this.#abort.abort(reason);
  }
}
