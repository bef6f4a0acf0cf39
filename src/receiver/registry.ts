import { EventsError } from "../message/errors.js";
import { toQueue } from "../message/name.js";
import { assertBoolean, assertInteger, assertOptions } from "../message/options.js";
import { assertStartAt } from "../message/start-at.js";
import type { QueueOptions, Subscription } from "../source/source.js";
import type { Registration } from "./registration.js";
import { Routes } from "./routes.js";

/** The queues of a receiver, with their options and handlers. */
export class Registry {
  readonly #options = new Map<string, QueueOptions>();
  readonly #handlers = new Map<string, Routes<Registration>>();
  readonly #subscriptions: Subscription[] = [];
  #transactional = false;

  configure(queue: string, options: QueueOptions): void {
    toQueue(queue);
    assertOptions(options, ["concurrency", "startAt", "ordered"], `the queue ${queue}`);
    if (this.#options.has(queue)) {
      throw new EventsError(
        "NOT_CONFIGURABLE",
        `The queue ${queue} has its options already; say them once, for all its handlers.`,
      );
    }
    if (options.concurrency !== undefined) assertInteger("concurrency", options.concurrency, 1);
    if (options.startAt !== undefined) assertStartAt("startAt", options.startAt);
    assertBoolean("ordered", options.ordered);
    this.#options.set(queue, options);
  }

  add(queue: string, registration: Registration): void {
    toQueue(queue);
    const { pattern, topic } = registration;
    const routes = this.#handlers.get(queue) ?? new Routes();
    routes.add(pattern, registration);
    this.#handlers.set(queue, routes);
    this.#subscriptions.push({ queue, pattern, topic });
    this.#transactional ||= registration.transactional;
  }

  get handlers(): ReadonlyMap<string, Routes<Registration>> {
    return this.#handlers;
  }

  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions;
  }

  /** Some handler is transactional. */
  get transactional(): boolean {
    return this.#transactional;
  }

  /** The options of every queue that has a handler. */
  queues(): Map<string, QueueOptions> {
    const queues = [...this.#handlers.keys()];
    return new Map(queues.map((queue) => [queue, this.#options.get(queue) ?? {}]));
  }

  /** Queues that were given options and no handler. */
  unused(): string[] {
    return [...this.#options.keys()].filter((queue) => !this.#handlers.has(queue));
  }
}
