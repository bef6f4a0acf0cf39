import type {
  Bridge,
  DeliveryFailureHandler,
  DrainReport,
  PublishResult,
} from "../bridge/bridge.js";
import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { InTransaction } from "../transaction/with-tx.js";
import { assertMessages, assertTransaction } from "./assert.js";

export interface PublisherOptions<Transactional extends boolean> {
  readonly bridge: Bridge<Transactional>;
}

/** `withTx(tx)` where the bridge can join a transaction; elsewhere it doesn't compile. */
export type PublishOptions<Transactional extends boolean> = Transactional extends true
  ? InTransaction
  : never;

/**
 * Publishes messages through its bridge.
 *
 * @example
 * const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
 * await publisher.publishOne(userCreated({ id, email }), withTx(tx));
 */
export class Publisher<Transactional extends boolean = boolean> {
  readonly #bridge: Bridge<Transactional>;

  constructor({ bridge }: PublisherOptions<Transactional>) {
    this.#bridge = bridge;
  }

  /**
   * Resolves with what became of the message, as soon as the bridge answers for it.
   *
   * @throws EventsError `INVALID_MESSAGE`, `INVALID_OPTIONS`, `PUBLISH_FAILED` (a `PublishError`),
   * `TRANSACTION_UNSUPPORTED`, `BUFFER_FULL`, `BRIDGE_DRAINED`
   */
  async publishOne(
    message: Message,
    options?: PublishOptions<Transactional>,
  ): Promise<PublishResult> {
    const [result] = await this.publishMany([message], options);
    if (result) return result;
    throw new EventsError("PUBLISH_FAILED", "The bridge answered without a result per message.");
  }

  /** As `publishOne`, with a result per message, in order. */
  async publishMany(
    messages: readonly Message[],
    options?: PublishOptions<Transactional>,
  ): Promise<readonly PublishResult[]> {
    assertMessages(messages);
    if (options === undefined) return this.#bridge.publish(messages, {});
    assertTransaction(options);
    return this.#bridge.publish(messages, options);
  }

  /** Tells `handler` of every batch that the bridge gives up. Returns the function that unsubscribes it. */
  onDeliveryFailure(handler: DeliveryFailureHandler): () => void {
    return this.#bridge.onDeliveryFailure(handler);
  }

  /**
   * Stops intake for good and waits until all is delivered or given up, for `deadlineMs` at the most;
   * without it as long as that takes. Says how many messages were left, which the handlers of
   * `onDeliveryFailure` have got. A second call gives the same promise.
   */
  drain(options?: { readonly deadlineMs?: number }): Promise<DrainReport> {
    return this.#bridge.drain(options);
  }
}
