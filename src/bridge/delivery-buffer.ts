import { capabilitiesOf } from "../destination/capabilities.js";
import type { DeliverResult, Destination } from "../destination/destination.js";
import type { Message } from "../message/message.js";
import { MAX_TIMER_MS } from "../message/options.js";
import { deliver } from "./deliver.js";
import { type FailedMessage, groupFailures } from "./group-failures.js";
import type { PublishFailure } from "./publish-error.js";
import { isPermanent, retryDelay } from "./retry.js";
import { type Entry, RetryQueue, type Taken } from "./retry-queue.js";

export interface DeliveryBufferOptions {
  readonly maxAttempts: number;
  readonly waitMs: number;
  readonly timeoutMs: number;
  /** Aborted at the deadline of a drain: what is left then is given up, with its reason. */
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly onGiveUp: (failure: PublishFailure) => void;
  /** Called when `size` has become smaller. Must not throw. */
  readonly onRoom: () => void;
}

/**
 * The messages on their way to one destination. One call runs at a time, and what gathers meanwhile is
 * the next batch. A call that rejects holds back all that follows until its retry; a single message that
 * fails does so only if the destination is ordered.
 */
export class DeliveryBuffer {
  readonly destination: Destination;
  readonly #options: DeliveryBufferOptions;
  readonly #maxBatch: number;
  readonly #ordered: boolean;
  readonly #queue = new RetryQueue();
  #inFlight = 0;
  #undelivered = 0;
  #work: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(destination: Destination, options: DeliveryBufferOptions) {
    const { maxBatch, ordered } = capabilitiesOf(destination);
    this.destination = destination;
    this.#options = options;
    this.#maxBatch = maxBatch;
    this.#ordered = ordered;
    options.signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Messages that are neither delivered nor given up. */
  get size(): number {
    return this.#queue.size + this.#inFlight;
  }

  /** Messages that were left when the signal was aborted. */
  get undelivered(): number {
    return this.#undelivered;
  }

  push(messages: readonly Message[]): void {
    this.#queue.push(messages);
    this.#work ??= this.#run();
    this.#wake();
  }

  /** Resolves once all messages are delivered or given up. Never rejects. */
  async finished(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    // What is published in one turn of the event loop makes one batch.
    await Promise.resolve();
    while (this.#queue.size > 0 && !this.#options.signal.aborted) {
      const waitMs = Math.ceil(this.#queue.nextDueAt() - performance.now());
      if (waitMs > 0) await this.#sleep(waitMs);
      else await this.#deliverNext();
    }
    this.#work = undefined;
    if (this.#queue.size > 0) this.#abandon();
  }

  /** Returns early when there is something new to look at. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #deliverNext(): Promise<void> {
    const batch = this.#queue.take(this.#maxBatch, performance.now());
    this.#inFlight = batch.messages.length;
    const { results, hold } = await this.#call(batch.messages);
    this.#inFlight = 0;
    this.#settle(batch, results, hold);
    this.#options.onRoom();
  }

  async #call(messages: readonly Message[]) {
    try {
      const results = await deliver(this.destination, messages, this.#options);
      return { results, hold: this.#ordered };
    } catch (error) {
      const failed: DeliverResult = { status: "failed", error };
      return { results: messages.map(() => failed), hold: true };
    }
  }

  #settle(batch: Taken, results: readonly DeliverResult[], hold: boolean): void {
    const retries: Entry[] = [];
    const lost: FailedMessage[] = [];
    batch.messages.forEach((message, index) => {
      const result = results[index];
      if (result?.status !== "failed") return;
      const entry = batch.retries[index] ?? { message, failedAttempts: 0, dueAt: 0 };
      if (this.#postpone(entry, result.error)) retries.push(entry);
      else lost.push({ message, error: result.error });
    });
    this.#queue.putBack(retries, hold);
    this.#giveUp(lost);
  }

  /** False if there is no other attempt. Once aborted all is put back, to be given up together. */
  #postpone(entry: Entry, error: unknown): boolean {
    const { signal, maxAttempts, waitMs } = this.#options;
    entry.failedAttempts += 1;
    if (!signal.aborted && (isPermanent(error) || entry.failedAttempts >= maxAttempts))
      return false;
    entry.dueAt = performance.now() + retryDelay(entry.failedAttempts, waitMs, error);
    return true;
  }

  #abandon(): void {
    const error: unknown = this.#options.signal.reason;
    const messages = this.#queue.clear();
    this.#undelivered += messages.length;
    this.#giveUp(messages.map((message) => ({ message, error })));
  }

  #giveUp(lost: readonly FailedMessage[]): void {
    for (const failure of groupFailures(this.destination, lost)) this.#options.onGiveUp(failure);
  }
}
