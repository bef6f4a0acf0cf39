import type { Destination } from "../destination/destination.js";
import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";

/**
 * What a publish did: `stored` now, `duplicate` of a message with the same id, or `accepted` (for later
 * delivery, or by a destination that can't tell).
 */
export interface PublishResult {
  readonly id: string;
  readonly status: "stored" | "duplicate" | "accepted";
}

/** Told of every batch that a bridge gives up, with the destination that didn't take it. */
export type DeliveryFailureHandler = (
  batch: readonly Message[],
  error: unknown,
  destination: Destination,
) => void;

/** What a drain left undelivered, per destination name; all zero if it came to its end. */
export interface DrainReport {
  readonly undelivered: Readonly<Record<string, number>>;
}

/** Carries messages from a publisher to destinations. `Transactional` says whether it can join the caller's transaction. */
export interface Bridge<Transactional extends boolean = boolean> {
  readonly transactional: Transactional;
  /**
   * Resolves with a result per message, in order, once the bridge answers for them: delivered (sync) or
   * buffered (async). Rejects with a `PublishError` that holds the errors of all destinations.
   */
  publish(
    messages: readonly Message[],
    options: { readonly tx?: SqlClient },
  ): Promise<readonly PublishResult[]>;
  /** Returns the function that unsubscribes exactly this registration. */
  onDeliveryFailure(handler: DeliveryFailureHandler): () => void;
  /** Stops intake for good, waits until everything is delivered or `deadlineMs` is over, and says what was left. */
  drain(options?: { readonly deadlineMs?: number }): Promise<DrainReport>;
}
