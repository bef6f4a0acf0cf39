import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";

/** What became of one message: stored now, stored already under its id or dedup key, or accepted without saying which. */
export type DeliverResult =
  | { readonly status: "stored" | "duplicate" | "accepted" }
  | { readonly status: "failed"; readonly error: unknown };

export interface DeliverOptions {
  /** The caller's transaction. Given only to a destination whose `transactional` is true. */
  readonly tx?: SqlClient;
  /**
   * Aborted when the caller has given up; a destination should then stop and reject. It is made when it is first read: a copy
   * of the options by spread lacks it, so who wraps a destination passes on the options, or names both.
   */
  readonly signal: AbortSignal;
}

export interface DestinationCapabilities {
  /** Can take part in the caller's transaction. */
  readonly transactional: boolean;
  /** Keeps the order of the messages of one call, and of calls that don't overlap. */
  readonly ordered: boolean;
  /** Stores one message of a topic and dedup key within the window. Others only carry the key along. */
  readonly dedupKeys: boolean;
  /** The most messages it takes in one call. */
  readonly maxBatch: number;
}

/**
 * Where messages go. `deliver` must be safe to call concurrently.
 *
 * @example const log: Destination = { name: "log", deliver: async (batch) => console.log(batch) };
 */
export interface Destination {
  /** Names it in errors and logs. */
  readonly name: string;
  /** Missing ones are: not transactional, not ordered, no dedup keys, at most 1,000 messages a call. */
  readonly capabilities?: Partial<DestinationCapabilities>;
  /**
   * Resolves once every message is durably accepted, in order. Where it can tell them apart it resolves
   * with one result per message, in the order of the batch; nothing means that all were accepted.
   * Rejects if none may have been accepted, or if it can't tell which.
   */
  deliver(
    batch: readonly Message[],
    options: DeliverOptions,
    // biome-ignore lint/suspicious/noConfusingVoidType: an async function that returns nothing has this type
  ): Promise<void | readonly DeliverResult[]>;
}
