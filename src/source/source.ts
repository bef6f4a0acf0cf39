import type { Message } from "../message/message.js";
import type { StartAt } from "../message/start-at.js";
import type { SqlClient } from "../transaction/sql-client.js";

/** One attempt to hand one message to one queue's handler. */
export interface Delivery {
  readonly queue: string;
  readonly message: Message;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted when the outcome no longer counts: the lease is lost, or a stop's deadline is over. */
  readonly signal: AbortSignal;
  /** There if the source is transactional, and some handler of the receiver is. */
  readonly transact?: Transact;
}

/**
 * Runs `work` in a transaction that commits together with the acknowledgement of the delivery, and resolves then; `work` may
 * have been undone, if another transaction has handled the message meanwhile. Rejects when nothing was committed, or when
 * nobody knows: the delivery is then to be retried.
 */
export type Transact = (work: (tx: SqlClient) => Promise<void>) => Promise<void>;

/** Why a message is dead. */
export interface DeadReason {
  /** The code of the error where it has one, else `HANDLER_FAILED`. */
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
}

/** A message that a queue has given up. */
export interface DeadDelivery {
  readonly queue: string;
  readonly message: Message;
  /** The attempt that was the last one. */
  readonly attempt: number;
  readonly reason: DeadReason;
}

/**
 * How a delivery ends. `parked` says that this process has no handler for the message: another one may.
 * `released` says that the handler was never started.
 */
export type Outcome =
  | { readonly type: "done" }
  | { readonly type: "retry"; readonly afterMs: number; readonly reason: DeadReason }
  | { readonly type: "dead"; readonly reason: DeadReason }
  | { readonly type: "parked" }
  | { readonly type: "released" };

/** The receiver, as a source sees it. */
export interface Sink {
  /** Runs the handler behind its middleware. Never rejects: every error is an outcome. */
  deliver(delivery: Delivery): Promise<Outcome>;
  /** False if this process has no handler, so that the source can park without calling `deliver`. */
  handles(queue: string, name: string): boolean;
  /** There if it makes batches of what it is given. */
  readonly gathering?: Gathering;
}

/** Says how a delivery ended. */
export type Settle = (delivery: Delivery, outcome: Outcome) => void;

/**
 * Of an ordered queue, several messages of a key may run at once, if they are started in their order: should one of them not end
 * as `done` or `dead`, those behind it are `released`, even what is still started in that turn of the event loop.
 */
export interface Gathering {
  /** As many deliveries should run at once, whatever the source's workers are. */
  readonly atOnce: number;
  /** As `deliver`, without a promise for each of many messages. `settle` is called once, not before this has returned. */
  take(delivery: Delivery, settle: Settle): void;
}

export interface QueueOptions {
  /** Handlers of this queue that run at once in this process. Default: as many as the source has workers. */
  readonly concurrency?: number;
  /**
   * Default `now`, which is everything that commits after the start. Only looked at when the queue reads a topic for the
   * first time: a name that is added to a topic that the queue reads already begins where the queue stands. A memory log's
   * positions count its messages from 1 on; an HTTP source keeps no log, and begins when it starts.
   */
  readonly startAt?: StartAt;
  /**
   * Handles the messages of each key (and topic) one at a time, in the order of the log, over all processes. One that fails
   * holds those behind it, and no other key's, until it is done or dead. Messages without a key are not held. All processes
   * of a queue must agree. Default false.
   */
  readonly ordered?: boolean;
}

export interface Subscription {
  readonly queue: string;
  /** A name, or a pattern: `user.*`, `*`. */
  readonly pattern: string;
  /** The topic that is read for it; `*` for all. */
  readonly topic: string;
}

/** Anything pino-shaped. Never given a payload. */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface SourceContext {
  readonly subscriptions: readonly Subscription[];
  /** Every queue that has a subscription is here, with its options. */
  readonly queues: ReadonlyMap<string, QueueOptions>;
  readonly sink: Sink;
  /** Some handler is transactional, so that deliveries need `transact`. */
  readonly transactional: boolean;
  /** Told of errors of the source itself (a lost connection, a lost lease); the source goes on. */
  readonly onError: (error: unknown) => void;
  /** To be told of each message that this process gives up, once that is recorded. Never throws. */
  readonly onDead: (dead: DeadDelivery) => void;
  readonly logger: Logger;
  /**
   * Aborted when a stop is asked for before `start` has resolved: a source that waits for a server then resolves at once, with
   * a running source that is only to be stopped.
   */
  readonly stopping: AbortSignal;
}

export interface StopReport {
  /** Handlers that finished between the call of stop and its end. */
  readonly finished: number;
  /** Messages given back: taken from the queue, and not started. */
  readonly released: number;
  /** Handlers still running at the deadline; their signal was aborted, and their messages will come again. */
  readonly aborted: number;
}

export interface RunningSource {
  /** Stops intake at once, lets handlers finish until `deadlineMs`, then aborts their signal. */
  stop(options: { readonly deadlineMs: number }): Promise<StopReport>;
  /** Resolves after a stop; rejects if the source can't go on. */
  readonly finished: Promise<void>;
}

export interface SourceCapabilities {
  /** Can commit what a handler writes together with the acknowledgement. */
  readonly transactional: boolean;
}

/** Where deliveries come from. It owns concurrency, and carries the outcomes out as its transport can. */
export interface Source {
  readonly name: string;
  /** Missing ones are: not transactional. */
  readonly capabilities?: Partial<SourceCapabilities>;
  start(context: SourceContext): Promise<RunningSource>;
}
