import { setMaxListeners } from "node:events";
import type { Message } from "../message/message.js";
import { dueAt } from "./due.js";
import { finishWithin } from "./finish-within.js";
import {
  type Answer,
  answerOf,
  notDue,
  type Result,
  resultOf,
  type Settled,
} from "./http-answer.js";
import { gather } from "./http-gather.js";
import { Lanes } from "./lanes.js";
import { Lru } from "./lru.js";
import type { Outcome, RunningSource, SourceContext, StopReport, Subscription } from "./source.js";
import { wants } from "./wants.js";

const released: Outcome = { type: "released" };

/** A message on its way through one queue; `key` names the pair. */
interface Item {
  readonly key: string;
  readonly queue: string;
  readonly message: Message;
  /** Requests that wait for the outcome. */
  readonly waiting: ((outcome: Outcome) => void)[];
}

/** An HTTP source between a start and a stop. */
export class HttpRun implements RunningSource {
  readonly finished: Promise<void>;
  readonly #context: SourceContext;
  readonly #lanes: Lanes<Item>;
  /** Pairs that some request waits for, started or not. */
  readonly #items = new Map<string, Item>();
  /** Pairs that are done or dead. */
  readonly #closed: Lru<Outcome>;
  readonly #attempts: Lru<number>;
  readonly #abort = new AbortController();
  #intake = true;
  #finish = () => {};

  constructor(context: SourceContext, maxWorkers: number, remember: number) {
    this.#context = context;
    this.#closed = new Lru(remember);
    this.#attempts = new Lru(remember);
    this.#lanes = new Lanes({
      maxWorkers,
      concurrencyOf: (queue) => context.queues.get(queue)?.concurrency,
      run: (item, done) => void this.#run(item).then(done),
    });
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    setMaxListeners(0, this.#abort.signal);
  }

  /** False from the call of stop on. */
  get open(): boolean {
    return this.#intake;
  }

  /** Tells the receiver of an error that is not one of a handler. */
  onError(error: unknown): void {
    this.#context.onError(error);
  }

  /** Answers once every queue that wants one of the messages is done with it. */
  handle(messages: readonly Message[]): Promise<Answer> {
    return new Promise((resolve) => {
      gather<Message, Result>(
        messages,
        (message, done) => this.#handleOne(message, done),
        (results) => resolve(answerOf(results)),
      );
    });
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<StopReport> {
    this.#intake = false;
    const unstarted = this.#lanes.clear();
    for (const item of unstarted) this.#close(item, released);
    const finished = await finishWithin(this.#lanes, deadlineMs);
    this.#abort.abort();
    for (const item of this.#items.values()) this.#close(item, released);
    this.#finish();
    return { ...finished, released: unstarted.length };
  }

  #handleOne(message: Message, done: (result: Result) => void): void {
    const wanting = this.#context.subscriptions.filter((s) => wants(s, message));
    const waitMs = dueAt(message) - Date.now();
    if (wanting.length > 0 && waitMs > 0) done(notDue(message, waitMs));
    else {
      gather<Subscription, Settled>(
        wanting,
        ({ queue }, settled) => this.#settle(queue, message, settled),
        (settled) => done(resultOf(message, settled)),
      );
    }
  }

  /** Runs a pair, unless it is running or finished already. */
  #settle(queue: string, message: Message, settled: (settled: Settled) => void): void {
    const key = `${queue} ${message.id}`;
    const closed = this.#closed.get(key);
    if (closed) settled({ outcome: closed, again: true });
    else {
      const item = this.#items.get(key) ?? this.#add(key, queue, message);
      item.waiting.push((outcome) => settled({ outcome, again: false }));
    }
  }

  #add(key: string, queue: string, message: Message): Item {
    const item = { key, queue, message, waiting: [] };
    this.#items.set(key, item);
    this.#lanes.add(queue, item);
    return item;
  }

  async #run(item: Item): Promise<void> {
    const { key, queue, message } = item;
    const { signal } = this.#abort;
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    const outcome = await this.#context.sink.deliver({ queue, message, attempt, signal });
    if (outcome.type === "retry") this.#attempts.set(key, attempt);
    if (outcome.type === "done" || outcome.type === "dead") this.#closed.set(key, outcome);
    if (outcome.type === "dead") {
      this.#context.onDead({ queue, message, attempt, reason: outcome.reason });
    }
    this.#close(item, outcome);
  }

  #close(item: Item, outcome: Outcome): void {
    this.#items.delete(item.key);
    for (const settle of item.waiting.splice(0)) settle(outcome);
  }
}
