import type { Message } from "../../../message/message.js";
import type { HandlerContext, TransactionalContext } from "../../../receiver/handler.js";
import { constantBackoff, withBackoff } from "../../../receiver/middleware/backoff.js";
import { withLimit } from "../../../receiver/middleware/limit.js";
import { Receiver } from "../../../receiver/receiver.js";
import type { DeadDelivery, Logger, QueueOptions } from "../../../source/source.js";
import { idsOf } from "../samples.js";
import { until } from "../until.js";
import type { SourceSubject } from "./subject.js";

/** So many ms pass before a failed attempt is repeated, unless its error says another time. */
const RETRY_MS = 5;
const LIMIT = 3;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

interface Setup {
  /** The names and patterns of each queue. Default: `thing.*` for a queue `q`. */
  readonly queues?: Readonly<Record<string, readonly string[]>>;
  /** Of every queue. */
  readonly options?: QueueOptions;
  readonly maxWorkers?: number;
}

/** A source's subject in one case, with all that its handlers were given. */
export class SourceTrial {
  /** Every attempt that was started, in order. */
  readonly attempts: HandlerContext[] = [];
  /** What `onError` was told. */
  readonly errors: unknown[] = [];
  /** What `onDead` was told. */
  readonly dead: DeadDelivery[] = [];
  readonly subject: SourceSubject;
  readonly #receivers: Receiver[] = [];

  constructor(subject: SourceSubject) {
    this.subject = subject;
  }

  publish(...messages: readonly Message[]): Promise<void> {
    return this.subject.publish(messages);
  }

  /** A receiver that was set up, with handlers that do what `act` does. */
  receiver(act: (context: HandlerContext) => unknown = () => {}, setup: Setup = {}): Receiver {
    const { queues = { q: ["thing.*"] }, options = {}, maxWorkers = 10 } = setup;
    const receiver = this.#receiver(maxWorkers);
    for (const [queue, patterns] of Object.entries(queues)) {
      receiver.queue(queue, options);
      for (const pattern of patterns) {
        receiver.on(queue, pattern, (context) => {
          this.attempts.push(context);
          return act(context);
        });
      }
    }
    return receiver;
  }

  /** The same, started. */
  async start(act?: (context: HandlerContext) => unknown, setup?: Setup): Promise<Receiver> {
    const receiver = this.receiver(act, setup);
    await receiver.start();
    return receiver;
  }

  /** One with a transactional handler for `thing.*`. */
  async startTransactional(act: (context: TransactionalContext) => unknown): Promise<Receiver> {
    const handler = (context: TransactionalContext) => {
      this.attempts.push(context);
      return act(context);
    };
    const receiver = this.#receiver(10).on("q", "thing.*", handler, { transactional: true });
    await receiver.start();
    return receiver;
  }

  /** The ids that a queue's handlers were given, in order, with repetitions. */
  handled(queue = "q"): string[] {
    return idsOf(this.attempts.filter((a) => a.queue === queue).map(({ message }) => message));
  }

  /** Resolves once so many attempts have been started. */
  until(count: number): Promise<void> {
    return until(`${count} attempts have been started`, () => this.attempts.length >= count);
  }

  #receiver(maxWorkers: number): Receiver {
    const receiver = new Receiver({
      source: this.subject.source({ maxWorkers }),
      logger: silent,
      onError: (error) => this.errors.push(error),
      onDead: (dead) => {
        this.dead.push(dead);
        throw new Error("Nobody is to hear of this.");
      },
    });
    this.#receivers.push(receiver);
    return receiver.use(withBackoff(constantBackoff(RETRY_MS)), withLimit(LIMIT));
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.#receivers.map((receiver) => receiver.stop({ deadlineMs: 0 })));
    } finally {
      await this.subject.close();
    }
  }
}
