import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import { assertInteger, assertOptions, MAX_TIMER_MS } from "../message/options.js";
import type { SqlClient } from "../transaction/sql-client.js";
import type { Bridge, DeliveryFailureHandler, DrainReport, PublishResult } from "./bridge.js";
import { DeliveryBuffer } from "./delivery-buffer.js";
import { assertDestinations } from "./destinations.js";
import { Drain, drainReport } from "./drain.js";
import { FailureHandlers } from "./failure-handlers.js";
import { Intake } from "./intake.js";
import type { PublishFailure } from "./publish-error.js";

export interface AsyncBridgeOptions {
  /** Attempts in all, before a message is given up for a destination. Default 10. */
  readonly maxAttempts?: number;
  /** The wait before the first retry in ms; it doubles with each, up to 30 s, with jitter. Default 200. */
  readonly waitMs?: number;
  /** How many messages one destination may have before it, those of a running call included. Default 10,000. */
  readonly maxBuffered?: number;
  /** What a publish does while a buffer has no room. Default `wait`; `reject` is with `BUFFER_FULL`. */
  readonly whenFull?: "wait" | "reject";
  /** How long one call of a destination may take, in ms. Default 30,000. */
  readonly timeoutMs?: number;
}

const OPTIONS = ["maxAttempts", "waitMs", "maxBuffered", "whenFull", "timeoutMs"];

/**
 * A publish resolves once the messages are in the buffer of every destination. Buffers are memory: drain
 * the bridge before the process ends. Each destination gets its messages in batches, and what it fails to
 * take is tried again and at last given up: handed to the handlers of `onDeliveryFailure`, or told as a
 * process warning if there is none. A transaction is refused with `TRANSACTION_UNSUPPORTED`.
 *
 * @throws EventsError `INVALID_OPTIONS`
 * @example const publisher = new Publisher({ bridge: asyncBridge([httpDestination(url)]) });
 */
export function asyncBridge(
  destinations: readonly Destination[],
  options: AsyncBridgeOptions = {},
): Bridge<false> {
  assertDestinations(destinations, "asyncBridge");
  return new AsyncBridge(destinations, withDefaults(options));
}

function withDefaults(options: AsyncBridgeOptions): Required<AsyncBridgeOptions> {
  assertOptions(options, OPTIONS, "asyncBridge");
  const { maxAttempts = 10, waitMs = 200, maxBuffered = 10_000 } = options;
  const { whenFull = "wait", timeoutMs = 30_000 } = options;
  assertInteger("asyncBridge's maxAttempts", maxAttempts, 1, Number.MAX_SAFE_INTEGER);
  assertInteger("asyncBridge's waitMs", waitMs, 0, MAX_TIMER_MS);
  assertInteger("asyncBridge's maxBuffered", maxBuffered, 1, Number.MAX_SAFE_INTEGER);
  assertInteger("asyncBridge's timeoutMs", timeoutMs, 1, MAX_TIMER_MS);
  if (whenFull !== "wait" && whenFull !== "reject") {
    throw new EventsError("INVALID_OPTIONS", 'asyncBridge\'s whenFull is "wait" or "reject".');
  }
  return { maxAttempts, waitMs, maxBuffered, whenFull, timeoutMs };
}

class AsyncBridge implements Bridge<false> {
  readonly transactional = false;
  readonly #buffers: readonly DeliveryBuffer[];
  readonly #intake: Intake;
  readonly #handlers = new FailureHandlers();
  readonly #drain = new Drain();

  constructor(destinations: readonly Destination[], options: Required<AsyncBridgeOptions>) {
    const bufferOptions = {
      ...options,
      signal: this.#drain.signal,
      onGiveUp: (failure: PublishFailure) => this.#handlers.tellOrWarn(failure),
      onRoom: () => this.#intake.admitWaiting(),
    };
    this.#buffers = destinations.map((to) => new DeliveryBuffer(to, bufferOptions));
    this.#intake = new Intake(this.#buffers, options);
  }

  async publish(
    messages: readonly Message[],
    { tx }: { readonly tx?: SqlClient },
  ): Promise<readonly PublishResult[]> {
    if (tx) throw transactionError();
    this.#drain.assertOpen();
    const results = messages.map(({ id }) => ({ id, status: "accepted" }) as const);
    await this.#intake.admit([...messages]);
    return results;
  }

  onDeliveryFailure(handler: DeliveryFailureHandler): () => void {
    return this.#handlers.add(handler);
  }

  drain({ deadlineMs }: { readonly deadlineMs?: number } = {}): Promise<DrainReport> {
    return this.#drain.begin(() => this.#finish(), deadlineMs);
  }

  async #finish(): Promise<DrainReport> {
    this.#intake.close();
    await Promise.all(this.#buffers.map((buffer) => buffer.finished()));
    return drainReport(this.#buffers.map((buffer) => [buffer.destination, buffer.undelivered]));
  }
}

function transactionError(): EventsError {
  const text = "An asyncBridge delivers after the publish, so it can't take part in a transaction.";
  return new EventsError(
    "TRANSACTION_UNSUPPORTED",
    `${text} Use a syncBridge, or publish without withTx.`,
  );
}
