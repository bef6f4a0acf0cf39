import { EventsError } from "../message/errors.js";
import { assertNumber, assertOptions } from "../message/options.js";
import type {
  Delivery,
  Logger,
  Outcome,
  QueueOptions,
  RunningSource,
  Sink,
  Source,
  StopReport,
} from "../source/source.js";
import { consoleLogger } from "./console-logger.js";
import type { Handler, Middleware, TransactionalHandler } from "./handler.js";
import {
  type HandlerOptions,
  type NamedHandlerOptions,
  type PatternOf,
  type ReceivableEvent,
  type Transactional,
  toRegistration,
} from "./registration.js";
import { Registry } from "./registry.js";
import { type DeadHandler, type ErrorHandler, Reporter } from "./report.js";
import { createSink } from "./sink.js";
import { unsupported } from "./transactional.js";

export interface ReceiverOptions {
  readonly source: Source;
  readonly onError?: ErrorHandler;
  readonly onDead?: DeadHandler;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
}

/**
 * Runs handlers for the deliveries of a source. It is set up with `use`, `queue` and `on`, then started
 * once and stopped once. `Name` closes the set of names that it can subscribe to: then a misspelt name, or
 * a pattern that covers none of them, doesn't compile.
 *
 * @example const receiver = new Receiver<"user.created" | "user.deleted">({ source });
 */
export class Receiver<Name extends string = string> {
  /** Resolves after a stop; rejects if the source can't go on, which `onError` is told as well. */
  readonly finished: Promise<void>;
  readonly #source: Source;
  readonly #logger: Logger;
  readonly #reporter: Reporter;
  readonly #registry = new Registry();
  readonly #middleware: Middleware[] = [];
  readonly #stopAsked = new AbortController();
  #finish: (stopped?: Promise<void>) => void = () => {};
  #sink: Sink | undefined;
  #starting: Promise<RunningSource> | undefined;
  #running: RunningSource | undefined;
  #stopping: Promise<StopReport> | undefined;

  constructor(options: ReceiverOptions) {
    assertOptions(options, ["source", "onError", "onDead", "logger"], "a receiver");
    this.#source = options.source;
    this.#logger = options.logger ?? consoleLogger;
    this.#reporter = new Reporter(options, this.#logger);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.finished.catch((error) => this.#reporter.sourceError(error));
  }

  /** Puts middleware around every handler, the first one outermost. Throws `ALREADY_STARTED`. */
  use(...middleware: Middleware[]): this {
    this.#change();
    this.#middleware.push(...middleware);
    return this;
  }

  /** Says the options of a queue, once. Throws `NOT_CONFIGURABLE` the second time, `ALREADY_STARTED`. */
  queue(name: string, options: QueueOptions): this {
    this.#change();
    this.#registry.configure(name, options);
    return this;
  }

  /**
   * Subscribes a queue to an event, a name or a pattern (`user.*`, `*`). A name beats a pattern, and a
   * longer pattern a shorter one. A payload that the event definition refuses is dead at once.
   *
   * @throws EventsError `DUPLICATE_HANDLER`, `INVALID_NAME`, `INVALID_PATTERN`, `INVALID_OPTIONS`,
   * `ALREADY_STARTED`.
   */
  on<P>(
    queue: string,
    event: ReceivableEvent<P, Name>,
    handler: TransactionalHandler<P>,
    options: HandlerOptions & Transactional,
  ): this;
  on<P>(
    queue: string,
    event: ReceivableEvent<P, Name>,
    handler: Handler<P>,
    options?: HandlerOptions,
  ): this;
  on(
    queue: string,
    pattern: Name | PatternOf<Name>,
    handler: TransactionalHandler,
    options: NamedHandlerOptions & Transactional,
  ): this;
  on(
    queue: string,
    pattern: Name | PatternOf<Name>,
    handler: Handler,
    options?: NamedHandlerOptions,
  ): this;
  on<P>(
    queue: string,
    what: string | ReceivableEvent<P>,
    handler: Handler<P> | TransactionalHandler<P>,
    options: NamedHandlerOptions = {},
  ): this {
    this.#change();
    this.#registry.add(queue, toRegistration(what, handler, options));
    return this;
  }

  /**
   * Starts the source. Rejects with `NO_HANDLERS`, `ALREADY_STARTED`, `TRANSACTION_UNSUPPORTED`, or with the source's
   * error; after the last it may be called again.
   */
  async start(): Promise<void> {
    if (this.#starting || this.#stopping) throw alreadyStarted();
    if (this.#registry.subscriptions.length === 0) {
      throw new EventsError("NO_HANDLERS", "The receiver has no handler; add one with on().");
    }
    if (this.#registry.transactional && !this.#source.capabilities?.transactional)
      throw unsupported();
    for (const queue of this.#registry.unused()) {
      this.#logger.warn({ queue }, "queue has options but no handler");
    }
    this.#starting = this.#startSource();
    try {
      this.#running = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    this.#finish(this.#running.finished);
  }

  /**
   * Stops intake, lets handlers finish until `deadlineMs` (default 10,000) milliseconds are over, then
   * aborts their signal. Later calls get the report of the first.
   */
  stop({ deadlineMs = 10_000 }: { deadlineMs?: number } = {}): Promise<StopReport> {
    assertNumber("stop({ deadlineMs })", deadlineMs);
    this.#stopping ??= this.#stopSource(deadlineMs);
    return this.#stopping;
  }

  /** Runs one delivery through middleware and handler, as a source does. For tests and own transports. */
  deliver(delivery: Pick<Delivery, "queue" | "message"> & Partial<Delivery>): Promise<Outcome> {
    const { signal } = new AbortController();
    return this.#compose().deliver({ attempt: 1, signal, ...delivery });
  }

  queuesWithHandlers(): string[] {
    return [...this.#registry.handlers.keys()];
  }

  /** The names and patterns that a queue has handlers for. */
  messagesWithHandlers(queue: string): string[] {
    return this.#registry.handlers.get(queue)?.patterns() ?? [];
  }

  #change(): void {
    if (this.#starting || this.#stopping) throw alreadyStarted();
    this.#sink = undefined;
  }

  #compose(): Sink {
    this.#sink ??= createSink(this.#registry.handlers, this.#middleware, (delivery, failure) =>
      this.#reporter.failedAttempt(delivery, failure),
    );
    return this.#sink;
  }

  async #startSource(): Promise<RunningSource> {
    return this.#source.start({
      subscriptions: this.#registry.subscriptions,
      queues: this.#registry.queues(),
      sink: this.#compose(),
      transactional: this.#registry.transactional,
      onError: (error) => this.#reporter.sourceError(error),
      onDead: (dead) => this.#reporter.dead(dead),
      logger: this.#logger,
      stopping: this.#stopAsked.signal,
    });
  }

  async #stopSource(deadlineMs: number): Promise<StopReport> {
    this.#stopAsked.abort();
    const running = this.#running ?? (await this.#starting?.catch(() => undefined));
    if (running) return running.stop({ deadlineMs });
    this.#finish();
    return { finished: 0, released: 0, aborted: 0 };
  }
}

function alreadyStarted(): EventsError {
  return new EventsError(
    "ALREADY_STARTED",
    "The receiver has been started or stopped already; set it up before, or make a new one.",
  );
}
