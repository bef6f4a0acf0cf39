import { setMaxListeners } from "node:events";
import type { Clock } from "../message/clock.js";
import type { MemoryLog } from "../message/memory-log.js";
import type { Message } from "../message/message.js";
import { dueAt } from "./due.js";
import { finishWithin } from "./finish-within.js";
import { Lanes } from "./lanes.js";
import { Lines } from "./lines.js";
import type { MemoryItem, MemoryState } from "./memory-state.js";
import type { DeadDelivery, Outcome, RunningSource, SourceContext, StopReport } from "./source.js";
import { systemClock } from "./timer.js";

/** A memory source between a start and a stop. */
export class MemoryRun implements RunningSource {
  readonly finished: Promise<void>;
  readonly #log: MemoryLog;
  readonly #state: MemoryState;
  readonly #clock: Clock;
  readonly #context: SourceContext;
  readonly #lanes: Lanes<MemoryItem>;
  readonly #lines: Lines<MemoryItem>;
  readonly #timers = new Map<MemoryItem, () => void>();
  readonly #abort = new AbortController();
  readonly #unsubscribe: () => void;
  #stopped = false;
  #finish = () => {};

  constructor(log: MemoryLog, state: MemoryState, context: SourceContext, maxWorkers: number) {
    this.#log = log;
    this.#clock = log.clock ?? systemClock;
    this.#state = state;
    this.#context = context;
    this.#lines = new Lines(({ queue, message: { topic, key } }) =>
      key !== undefined && context.queues.get(queue)?.ordered
        ? `${queue} ${topic} ${key}`
        : undefined,
    );
    this.#lanes = new Lanes({
      maxWorkers,
      concurrencyOf: (queue) => context.queues.get(queue)?.concurrency,
      run: (item, done) => void this.#run(item).then(done),
    });
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    setMaxListeners(0, this.#abort.signal);
    this.#subscribe();
    this.#unsubscribe = log.subscribe((messages) => this.#soon(messages));
    this.#soon(log.messages);
    this.#resume();
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<StopReport> {
    this.#stopped = true;
    this.#unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
    const released = this.#lanes.clear().length;
    const finished = await finishWithin(this.#lanes, deadlineMs);
    this.#abort.abort();
    this.#finish();
    return { ...finished, released };
  }

  #subscribe(): void {
    const { subscriptions, queues } = this.#context;
    const { messages } = this.#log;
    for (const subscription of subscriptions) {
      const startAt = queues.get(subscription.queue)?.startAt ?? "now";
      this.#state.queue(subscription.queue).subscribe(subscription, startAt, messages);
    }
  }

  /** Not at once: handlers don't run inside the call that published. */
  #soon(messages: readonly Message[]): void {
    queueMicrotask(() => {
      for (const message of messages) this.#take(message);
    });
  }

  #take(message: Message): void {
    for (const [name, queue] of this.#state.queues) {
      if (!queue.take(message)) continue;
      const item = { queue: name, message, attempts: 0, dueAt: dueAt(message) };
      this.#state.open.add(item);
      this.#schedule(item);
    }
  }

  /** Goes on with what an earlier run left. */
  #resume(): void {
    this.#state.parked.clear();
    for (const item of this.#state.open) this.#schedule(item);
  }

  #schedule(item: MemoryItem): void {
    if (this.#stopped) return;
    if (item.attempts > 0) this.#lines.join(item); // what waits to run again keeps its place
    const add = () => {
      this.#timers.delete(item);
      if (this.#lines.join(item)) this.#lanes.add(item.queue, item);
    };
    const waitMs = item.dueAt - this.#clock.now();
    if (waitMs > 0) this.#timers.set(item, this.#clock.after(waitMs, add));
    else add();
  }

  async #run(item: MemoryItem): Promise<void> {
    const { queue, message } = item;
    const { signal } = this.#abort;
    item.attempts += 1;
    const attempt = item.attempts;
    const outcome = await this.#context.sink.deliver({ queue, message, attempt, signal });
    if (!signal.aborted) this.#settle(item, outcome);
  }

  #settle(item: MemoryItem, outcome: Outcome): void {
    const { queue, message, attempts: attempt } = item;
    switch (outcome.type) {
      case "done":
        this.#close(item);
        return;
      case "dead":
        this.#close(item);
        this.#bury({ queue, message, attempt, reason: outcome.reason });
        return;
      case "retry":
        item.dueAt = this.#clock.now() + outcome.afterMs;
        this.#schedule(item);
        return;
      case "parked":
        item.attempts -= 1;
        this.#state.parked.add(item);
        return;
      case "released":
        item.attempts -= 1;
        this.#schedule(item);
    }
  }

  #bury(dead: DeadDelivery): void {
    this.#state.dead.push(dead);
    this.#context.onDead(dead);
  }

  #close(item: MemoryItem): void {
    this.#state.open.delete(item);
    const next = this.#lines.leave(item);
    if (next) this.#lanes.add(next.queue, next);
  }
}
