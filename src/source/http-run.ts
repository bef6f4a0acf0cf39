import { setMaxListeners } from "node:events";
import type { Message } from "../message/message.js";
import { dueAt } from "./due.js";
import { finishWithin } from "./finish-within.js";
import { type Answer, answerOf, notDue, type Result, resultOf } from "./http-answer.js";
import { Batch, Verdict } from "./http-batch.js";
import { HttpQueue, type Item } from "./http-queue.js";
import { Lanes } from "./lanes.js";
import type { Outcome, RunningSource, SourceContext, StopReport } from "./source.js";
import { wants } from "./wants.js";

const released: Outcome = { type: "released" };

/** The queues that want what has a name and a topic. */
interface Route {
  readonly name: string;
  readonly topic: string;
  readonly queues: readonly HttpQueue[];
}

/** An HTTP source between a start and a stop. */
export class HttpRun implements RunningSource {
  readonly finished: Promise<void>;
  readonly #context: SourceContext;
  readonly #lanes: Lanes<Item>;
  readonly #queues = new Map<string, HttpQueue>();
  readonly #abort = new AbortController();
  /** Of the last message: those of a batch are alike, mostly. */
  #route: Route | undefined;
  #intake = true;
  #finish = () => {};

  constructor(context: SourceContext, maxWorkers: number, remember: number) {
    this.#context = context;
    for (const name of context.queues.keys()) this.#queues.set(name, new HttpQueue(name, remember));
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
      const batch = new Batch(messages.length, (results) => resolve(answerOf(results)));
      const fresh = new Map<HttpQueue, Item[]>();
      for (const [index, message] of messages.entries()) {
        const queues = this.#wanting(message);
        const early = queues.length === 0 ? nobody(message) : notYet(message);
        if (early) batch.settle(index, early);
        else {
          const verdict = new Verdict(batch, index, message, queues.length);
          for (const queue of queues) addTo(fresh, queue, queue.admit(message, verdict));
        }
      }
      for (const [{ name }, items] of fresh) this.#lanes.addMany(name, items);
    });
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<StopReport> {
    this.#intake = false;
    const unstarted = this.#lanes.clear();
    for (const item of unstarted) item.queue.close(item, released);
    const finished = await finishWithin(this.#lanes, deadlineMs);
    this.#abort.abort();
    for (const queue of this.#queues.values()) queue.closeAll(released);
    this.#finish();
    return { ...finished, released: unstarted.length };
  }

  #wanting(message: Message): readonly HttpQueue[] {
    const { name, topic } = message;
    if (this.#route?.name === name && this.#route.topic === topic) return this.#route.queues;
    const subscriptions = this.#context.subscriptions.filter((s) => wants(s, message));
    const names = new Set(subscriptions.map(({ queue }) => queue));
    const queues = [...this.#queues.values()].filter((queue) => names.has(queue.name));
    this.#route = { name, topic, queues };
    return queues;
  }

  async #run(item: Item): Promise<void> {
    const { message, queue } = item;
    const { name } = queue;
    const { signal } = this.#abort;
    const attempt = queue.attemptOf(message);
    const outcome = await this.#context.sink.deliver({ queue: name, message, attempt, signal });
    if (outcome.type === "dead") {
      this.#context.onDead({ queue: name, message, attempt, reason: outcome.reason });
    }
    queue.finish(item, attempt, outcome);
  }
}

/** Nobody here wants it. */
function nobody(message: Message): Result {
  return resultOf(message, [], false);
}

function notYet(message: Message): Result | undefined {
  const due = dueAt(message);
  const waitMs = due === 0 ? 0 : due - Date.now();
  return waitMs > 0 ? notDue(message, waitMs) : undefined;
}

function addTo(fresh: Map<HttpQueue, Item[]>, queue: HttpQueue, item: Item | undefined): void {
  if (!item) return;
  const items = fresh.get(queue);
  if (items) items.push(item);
  else fresh.set(queue, [item]);
}
