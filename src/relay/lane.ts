import { setImmediate as nextTurn } from "node:timers/promises";
import { retryAfterMs } from "../bridge/retry.js";
import type { DeliverResult } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import type { Reporter } from "../receiver/report.js";
import { sleeper } from "../source/sleeper.js";
import type { Delivery, Outcome } from "../source/source.js";
import type { Breaker } from "./breaker.js";
import { Buffer, type BufferOptions, type Entry } from "./buffer.js";
import { call } from "./caller.js";
import { failedMessage } from "./failed-message.js";
import type { Settings } from "./options.js";

/** While more come, a call waits for them so long, in ms. */
const LINGER_MS = 5;
/** A failed call makes the next one so much smaller, until it is of one message; an accepted one so much larger. */
const STEP = 4;

const done: Outcome = { type: "done" };
const parked: Outcome = { type: "parked" };
const released: Outcome = { type: "released" };

/** A message that was alone in a call that failed. */
interface Suspect {
  readonly entry: Entry;
  /** How many calls had been accepted by then. */
  readonly accepted: number;
}

export interface LaneOptions extends BufferOptions {
  readonly settings: Settings;
  readonly reporter: Reporter;
  readonly breaker: Breaker;
  /** The largest call. */
  readonly maxBatch: number;
  readonly handles: (delivery: Delivery) => boolean;
  /** So many messages were accepted. */
  readonly onRelayed: (count: number) => void;
  /** The destination was down, and is up again. */
  readonly onUp: () => void;
}

/**
 * Sends what gathers in it to the destination, in one call after the other, so that it keeps the order. A failed call says
 * nothing of its messages: they keep their attempts, and are sent again. Only if the destination accepts others, a message
 * that it refuses has failed by itself, or one that is alone in a call that fails before and after that.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #buffer: Buffer;
  readonly #pause = sleeper();
  /** Left out, in the order of their calls, until another message is accepted. */
  #suspects: Suspect[] = [];
  /** Alone in its call, once more, after others were accepted: if it fails again, it fails by itself. */
  #onTrial: Entry | undefined;
  #inCall: readonly Entry[] = [];
  #batch: number;
  #isRunning = false;
  #isClosed = false;
  #released = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#batch = options.maxBatch;
    this.#buffer = new Buffer(options);
  }

  /** Messages that were given back without an attempt. */
  get released(): number {
    return this.#released;
  }

  get held(): readonly Entry[] {
    const suspects = this.#suspects.map(({ entry }) => entry);
    return [...this.#inCall, ...suspects, ...this.#buffer.entries];
  }

  /** Messages that no call has. */
  get waiting(): number {
    return this.#buffer.size;
  }

  push(entry: Entry): void {
    this.#buffer.push(entry);
    if (!this.#isRunning) this.#run();
  }

  /** It need not wait any longer after a failure. */
  wake(): void {
    this.#pause.wake();
  }

  /** What is held is still sent, until a call fails: then the rest is given back. */
  close(): void {
    this.#isClosed = true;
    this.#pause.end();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#buffer.size + this.#suspects.length > 0) {
      await this.#gather();
      const batch = await this.#take();
      if (batch.length > 0) await this.#call(batch);
    }
    this.#isRunning = false;
  }

  /** Sources start what they have over several turns of the event loop. */
  async #gather(): Promise<void> {
    const until = performance.now() + LINGER_MS;
    for (let before = -1; before < this.#buffer.size; ) {
      if (this.#buffer.size >= this.#batch || performance.now() >= until) return;
      before = this.#buffer.size;
      await nextTurn();
    }
  }

  /** Gives back what is in these lines, and what the source may start before it knows. */
  async #holdBack(lines: ReadonlySet<string>): Promise<void> {
    if (lines.size === 0) return;
    this.#release(this.#buffer.withdraw(lines));
    await nextTurn();
    this.#release(this.#buffer.withdraw(lines));
  }

  async #take(): Promise<readonly Entry[]> {
    this.#onTrial = this.#accuse();
    if (this.#onTrial) return this.#sendable([this.#onTrial]);
    const lines = new Set(this.#suspects.flatMap(({ entry }) => this.#buffer.lineOf(entry) ?? []));
    const taken = this.#buffer.take(this.#batch, lines);
    // If nobody else is left, there is nobody to compare them with.
    if (taken.length === 0) this.#acquit();
    return this.#sendable(taken);
  }

  /** The last suspect, if others were accepted since. Of those before it nobody knows. */
  #accuse(): Entry | undefined {
    const last = this.#suspects.at(-1);
    if (!last || last.accepted === this.#options.breaker.accepted) return undefined;
    this.#suspects.pop();
    this.#acquit();
    return last.entry;
  }

  /** Without those that are lost, or that another process of the queue has subscribed to, which hold their line. */
  async #sendable(taken: readonly Entry[]): Promise<readonly Entry[]> {
    const held = new Set<string>();
    const sendable = taken.filter((entry) => {
      const line = held.size > 0 ? this.#buffer.lineOf(entry) : undefined;
      if (line !== undefined && held.has(line)) this.#release([entry]);
      else if (!this.#options.handles(entry.delivery)) this.#end(entry, parked, held);
      else return !this.#isLost(entry);
      return false;
    });
    await this.#holdBack(held);
    return sendable;
  }

  async #call(batch: readonly Entry[]): Promise<void> {
    const { breaker, settings } = this.#options;
    this.#inCall = batch;
    breaker.calling();
    const answer = await call(batch, settings);
    this.#inCall = [];
    if (answer.type === "accepted") return this.#accepted(batch, answer.results);
    if (answer.type === "failed") return this.#failed(batch, answer.error);
    breaker.cancelled();
    this.#buffer.putBack(batch);
  }

  async #accepted(batch: readonly Entry[], results: readonly DeliverResult[]): Promise<void> {
    const { breaker, maxBatch, onRelayed } = this.#options;
    if (breaker.succeeded()) this.#sayUp();
    this.#batch = Math.min(this.#batch * STEP, maxBatch);
    /** Lines whose messages wait for one that will come again. */
    const held = new Set<string>();
    let relayed = 0;
    for (const [n, entry] of batch.entries())
      if (this.#settle(entry, results[n], held)) relayed += 1;
    onRelayed(relayed);
    await this.#holdBack(held);
  }

  /** True if it is done. */
  #settle(entry: Entry, result: DeliverResult | undefined, held: Set<string>): boolean {
    const line = held.size > 0 ? this.#buffer.lineOf(entry) : undefined;
    const isDone = result?.status !== "failed" && (line === undefined || !held.has(line));
    if (isDone) entry.settle(done);
    else if (line !== undefined && held.has(line)) this.#release([entry]);
    else if (result?.status === "failed") this.#refused(entry, result.error, held);
    return isDone;
  }

  #refused(entry: Entry, error: unknown, held: Set<string>): void {
    if (this.#isLost(entry)) return;
    const failure = failedMessage(error, entry.delivery.attempt, this.#options.settings);
    this.#options.reporter.failedAttempt(entry.delivery, failure);
    this.#end(entry, failure.outcome, held);
  }

  /** One that will come again holds its line. */
  #end(entry: Entry, outcome: Outcome, held: Set<string>): void {
    const line = this.#buffer.lineOf(entry);
    if (outcome.type !== "dead" && line !== undefined) held.add(line);
    entry.settle(outcome);
  }

  async #failed(batch: readonly Entry[], error: unknown): Promise<void> {
    const { breaker } = this.#options;
    const { waitMs, hasOpened } = breaker.failed();
    const pauseMs = Math.max(waitMs, retryAfterMs(error));
    this.#batch = Math.max(1, Math.floor(batch.length / STEP));
    await this.#blame(batch, error);
    this.#sayFailed(error, hasOpened, pauseMs);
    if (!this.#isClosed) await this.#pause.sleep(pauseMs);
    if (this.#isClosed) this.#giveBack();
  }

  async #blame(batch: readonly Entry[], error: unknown): Promise<void> {
    const { accepted } = this.#options.breaker;
    const [entry] = batch;
    const held = new Set<string>();
    if (batch.length > 1 || !entry) this.#buffer.putBack(batch);
    else if (entry === this.#onTrial) this.#refused(entry, error, held);
    else this.#suspects.push({ entry, accepted });
    await this.#holdBack(held);
  }

  #acquit(): void {
    this.#buffer.putBack(this.#suspects.splice(0).map(({ entry }) => entry));
  }

  #giveBack(): void {
    this.#acquit();
    this.#release(this.#buffer.drain());
  }

  #release(entries: readonly Entry[]): void {
    this.#released += entries.length;
    for (const entry of entries) entry.settle(released);
  }

  /** Somebody else has it, or will: its outcome does not count. */
  #isLost(entry: Entry): boolean {
    if (!entry.delivery.signal.aborted) return false;
    entry.settle(released);
    return true;
  }

  #sayFailed(error: unknown, hasOpened: boolean, pauseMs: number): void {
    const { to, queue } = this.#options.settings;
    const fields = { queue, destination: to.name, pauseMs };
    if (hasOpened)
      this.#options.reporter.error(this.#down(error), "the destination is down", fields);
    else this.#options.reporter.error(error, "the destination failed", fields);
  }

  #down(cause: unknown): EventsError {
    const { to, queue, breaker } = this.#options.settings;
    const text =
      `Destination "${to.name}" has failed ${breaker.failures} times in a row: the relay of queue ${queue} tries it with ` +
      "single messages until it accepts one. Nothing is lost meanwhile.";
    return new EventsError("DESTINATION_DOWN", text, { cause });
  }

  #sayUp(): void {
    const { settings, reporter, onUp } = this.#options;
    const { to, queue } = settings;
    reporter.warn({ queue, destination: to.name }, "the destination is up again");
    onUp();
  }
}
