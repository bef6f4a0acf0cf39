import type { Message } from "../message/message.js";
import type { DeadReason } from "../source/source.js";
import type { LongOptions, LongResult } from "./long-operation.js";

/** Which dead letters are meant: those that all of its members fit. `{}` means all. */
export interface DeadLetterFilter {
  readonly queue?: string;
  readonly topic?: string;
  /** Of the message, or a pattern: `user.*`. */
  readonly name?: string;
  readonly key?: string;
  /** Of the message; several queues may have a dead letter of it. */
  readonly id?: string;
  /** Of the reason. */
  readonly code?: string;
  /** Then or later. */
  readonly diedAfter?: Date;
  /** Earlier than that. */
  readonly diedBefore?: Date;
}

export interface DeadLetterPage {
  /** From 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
  /** Which come first, by when they died. Default `newest`. */
  readonly order?: "newest" | "oldest";
}

export interface DeadLetterList {
  readonly letters: readonly DeadLetter[];
  /** Where the next page begins; undefined if there is no more. What dies meanwhile shifts nothing. */
  readonly next: string | undefined;
}

/** A message that a queue has given up. */
export interface DeadLetter {
  readonly queue: string;
  readonly message: Message;
  readonly reason: DeadReason;
  /** What failed, oldest first, also before it was redriven; the last 20. */
  readonly attempts: readonly FailedTry[];
  readonly diedAt: Date;
  /** How often it was given back after it had died. */
  readonly redriven: number;
}

export interface FailedTry {
  /** 1 for the first, and for the first after a redrive. */
  readonly attempt: number;
  /** When its handler began, or where the worker was lost, when it was taken; undefined if nobody knows. */
  readonly beganAt: Date | undefined;
  /** When the failure was recorded. */
  readonly failedAt: Date;
  readonly code: string;
  /** The first 1,000 characters. */
  readonly message: string;
}

/**
 * Messages that were given up, and stay until somebody redrives or purges them. Members reject with `INVALID_OPTIONS`,
 * `INVALID_NAME`, `INVALID_PATTERN`, `INVALID_KEY`, `INVALID_ID` or `INVALID_TIME` for a filter that can't fit anything.
 */
export interface DeadLetters {
  list(filter: DeadLetterFilter, page?: DeadLetterPage): Promise<DeadLetterList>;
  count(filter: DeadLetterFilter): Promise<number>;
  /** One of them; undefined if the queue has no dead letter of that message. */
  inspect(queue: string, messageId: string): Promise<DeadLetter | undefined>;
  /**
   * Gives back each that is dead when it begins, once, however often it is stopped and resumed: their attempts begin at 1
   * again. What dies again meanwhile stays dead. To be resumed with the same filter.
   */
  redrive(filter: DeadLetterFilter, options?: LongOptions): Promise<LongResult>;
  /** Deletes each that is dead when it begins. To be resumed with the same filter. */
  purge(filter: DeadLetterFilter, options?: LongOptions): Promise<LongResult>;
}
