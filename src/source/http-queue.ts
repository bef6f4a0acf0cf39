import type { Message } from "../message/message.js";
import { BriefMap } from "./brief-map.js";
import type { Verdict } from "./http-batch.js";
import { Lru } from "./lru.js";
import type { Outcome } from "./source.js";

/** A message on its way through one queue. */
export interface Item {
  readonly queue: HttpQueue;
  readonly message: Message;
  /** Results that wait for the outcome. */
  readonly waiting: Verdict[];
}

/** What one queue knows of the messages that were sent. */
export class HttpQueue {
  readonly name: string;
  /** What some request waits for, started or not, by message id. */
  readonly #items = new BriefMap<Item>();
  /** What is done or dead. */
  readonly #closed: Lru<Outcome>;
  readonly #attempts: Lru<number>;

  constructor(name: string, remember: number) {
    this.name = name;
    this.#closed = new Lru(remember);
    this.#attempts = new Lru(remember);
  }

  /** Lets a result wait for the message's outcome. Gives the item that is to be run, unless one is running or finished already. */
  admit(message: Message, verdict: Verdict): Item | undefined {
    const { id } = message;
    const closed = this.#closed.get(id);
    if (closed) {
      verdict.settle(closed, true);
      return undefined;
    }
    const known = this.#items.get(id);
    if (known) {
      known.waiting.push(verdict);
      return undefined;
    }
    const item = { queue: this, message, waiting: [verdict] };
    this.#items.add(id, item);
    return item;
  }

  /** 1 for the first. */
  attemptOf({ id }: Message): number {
    return (this.#attempts.get(id) ?? 0) + 1;
  }

  /** Remembers how an attempt ended, and tells all who wait. */
  finish(item: Item, attempt: number, outcome: Outcome): void {
    const { id } = item.message;
    if (outcome.type === "retry") this.#attempts.set(id, attempt);
    if (outcome.type === "done" || outcome.type === "dead") this.#closed.set(id, outcome);
    this.close(item, outcome);
  }

  /** Tells all who wait. */
  close(item: Item, outcome: Outcome): void {
    this.#items.delete(item.message.id);
    for (const verdict of item.waiting.splice(0)) verdict.settle(outcome, false);
  }

  /** Tells all who wait for anything. */
  closeAll(outcome: Outcome): void {
    for (const item of this.#items.values()) this.close(item, outcome);
  }
}
