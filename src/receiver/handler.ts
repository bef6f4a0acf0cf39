import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";

/** What a handler is given: one delivery of one message. */
export interface HandlerContext<P = unknown> {
  /** What the event definition made of the payload; the message's own payload if there is none. */
  readonly payload: P;
  readonly message: Message;
  readonly queue: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted when the outcome no longer counts, or a timeout is over: stop and throw. */
  readonly signal: AbortSignal;
}

/**
 * Reacts to a message. It has succeeded when it returns, or when what it returns resolves; anything
 * thrown is a failure. The value is ignored. It must stand being run again with the same message. A promise
 * that it neither awaits nor returns is the process's own: Node ends the process if that rejects.
 */
export type Handler<P = unknown> = (context: HandlerContext<P>) => unknown;

export interface TransactionalContext<P = unknown> extends HandlerContext<P> {
  /**
   * What is written here, and published `withTx(tx)`, commits together with the acknowledgement of the message. Leave
   * commit and rollback to the receiver: throw to roll back. Savepoints work as usual.
   */
  readonly tx: SqlClient;
}

/** A handler whose effects on the database happen once, although it may run again with the same message. */
export type TransactionalHandler<P = unknown> = (context: TransactionalContext<P>) => unknown;

/** Runs what lies further in. It sees the context given here, or the same one if there is none. */
export type Next = (context?: HandlerContext) => Promise<void>;

/**
 * Wraps handlers. It must await `next`, and throw what makes the delivery fail.
 *
 * @example
 * const timed: Middleware = async (context, next) => {
 *   const start = performance.now();
 *   await next();
 *   console.log(context.message.name, performance.now() - start);
 * };
 */
export interface Middleware {
  (context: HandlerContext, next: Next): Promise<void>;
  /** Set if this middleware decides when to give up, so that the default limit stays away. */
  readonly replaces?: "limit";
}
