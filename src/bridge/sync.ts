import type { DeliverResult, Destination } from "../destination/destination.js";
import type { Message } from "../message/message.js";
import { assertInteger, assertOptions, MAX_TIMER_MS } from "../message/options.js";
import type { SqlClient } from "../transaction/sql-client.js";
import type { Bridge, DeliveryFailureHandler, DrainReport, PublishResult } from "./bridge.js";
import { deliverAll } from "./deliver-all.js";
import { assertDestinations, assertTransactional } from "./destinations.js";
import { Drain, drainReport } from "./drain.js";
import { FailureHandlers } from "./failure-handlers.js";
import { failedMessages, groupFailures } from "./group-failures.js";
import { PublishError, type PublishFailure } from "./publish-error.js";

export interface SyncBridgeOptions {
  /** How long one call of a destination may take, in ms. Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * A publish resolves once every destination has taken the messages, and rejects with a `PublishError` if
 * one has not; the others have got them all the same. In a transaction every destination must be
 * transactional, else it throws `TRANSACTION_UNSUPPORTED` before anything is sent.
 *
 * @throws EventsError `INVALID_OPTIONS`
 * @example const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
 */
export function syncBridge(
  destinations: readonly Destination[],
  options: SyncBridgeOptions = {},
): Bridge<true> {
  assertDestinations(destinations, "syncBridge");
  assertOptions(options, ["timeoutMs"], "syncBridge");
  const { timeoutMs = 30_000 } = options;
  assertInteger("syncBridge's timeoutMs", timeoutMs, 1, MAX_TIMER_MS);
  return new SyncBridge([...destinations], timeoutMs);
}

class SyncBridge implements Bridge<true> {
  readonly transactional = true;
  readonly #destinations: readonly Destination[];
  readonly #timeoutMs: number;
  readonly #handlers = new FailureHandlers();
  readonly #running = new Set<Promise<unknown>>();
  readonly #undelivered = new Map<Destination, number>();
  readonly #drain = new Drain();

  constructor(destinations: readonly Destination[], timeoutMs: number) {
    this.#destinations = destinations;
    this.#timeoutMs = timeoutMs;
    for (const destination of destinations) this.#undelivered.set(destination, 0);
  }

  async publish(
    messages: readonly Message[],
    { tx }: { readonly tx?: SqlClient },
  ): Promise<readonly PublishResult[]> {
    this.#drain.assertOpen();
    if (tx) assertTransactional(this.#destinations);
    const publishing = this.#publish([...messages], tx);
    this.#running.add(publishing);
    try {
      return await publishing;
    } finally {
      this.#running.delete(publishing);
    }
  }

  onDeliveryFailure(handler: DeliveryFailureHandler): () => void {
    return this.#handlers.add(handler);
  }

  drain({ deadlineMs }: { readonly deadlineMs?: number } = {}): Promise<DrainReport> {
    return this.#drain.begin(() => this.#finish(), deadlineMs);
  }

  async #finish(): Promise<DrainReport> {
    await Promise.allSettled(this.#running);
    return drainReport(this.#undelivered);
  }

  async #publish(messages: readonly Message[], tx?: SqlClient): Promise<readonly PublishResult[]> {
    const results = await this.#deliver(messages, tx);
    if (results.some((ofOne) => ofOne.some(isFailed))) throw this.#failure(messages, results);
    return messages.map(({ id }, index) => ({ id, status: merge(results, index) }));
  }

  /** The results of each destination. In a transaction in turn: a client runs one statement at a time. */
  async #deliver(messages: readonly Message[], tx?: SqlClient) {
    const options = { tx, signal: this.#drain.signal, timeoutMs: this.#timeoutMs };
    const results: Promise<readonly DeliverResult[]>[] = [];
    for (const destination of this.#destinations) {
      const delivered = deliverAll(destination, messages, options);
      if (tx && this.#destinations.length > 1) await delivered;
      results.push(delivered);
    }
    return Promise.all(results);
  }

  #failure(
    messages: readonly Message[],
    results: readonly (readonly DeliverResult[])[],
  ): PublishError {
    const failures = this.#destinations.flatMap((destination, index) =>
      groupFailures(destination, failedMessages(messages, results[index] ?? [])),
    );
    for (const failure of failures) this.#failed(failure);
    return new PublishError(failures);
  }

  #failed(failure: PublishFailure): void {
    this.#handlers.tell(failure);
    const { signal } = this.#drain;
    if (!signal.aborted || failure.error !== signal.reason) return;
    const count = this.#undelivered.get(failure.destination) ?? 0;
    this.#undelivered.set(failure.destination, count + failure.messages.length);
  }
}

function isFailed({ status }: DeliverResult): boolean {
  return status === "failed";
}

/** Stored if any destination stored it, a duplicate if all that can tell say so. */
function merge(
  results: readonly (readonly DeliverResult[])[],
  index: number,
): PublishResult["status"] {
  let merged: PublishResult["status"] = "accepted";
  for (const ofOne of results) {
    const status = ofOne[index]?.status;
    if (status === "stored") return "stored";
    if (status === "duplicate") merged = "duplicate";
  }
  return merged;
}
