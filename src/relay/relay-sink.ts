import { setImmediate as nextTurn } from "node:timers/promises";
import { retryAfterMs } from "../bridge/retry.js";
import { capabilitiesOf } from "../destination/capabilities.js";
import type { DeliverResult } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import { matches } from "../message/name.js";
import type { Reporter } from "../receiver/report.js";
import { sleeper } from "../source/sleeper.js";
import type { Delivery, Outcome, Sink } from "../source/source.js";
import { Breaker } from "./breaker.js";
import { Buffer, type Entry } from "./buffer.js";
import { call } from "./caller.js";
import { failedMessage } from "./failed-message.js";
import type { Settings } from "./options.js";
import { Rate } from "./rate.js";
import { lagOf, type RelayStats } from "./stats.js";

/** The largest call, whatever a destination would take: what is under way is repeated after a crash. */
const MAX_BATCH = 1_000;
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
  readonly error: unknown;
}

/**
 * The sink of a relay: what the source delivers gathers, and goes to the destination in one call after the other. A failed
 * call says nothing of its messages: they keep their attempts, and are sent again. Only if the destination accepts others,
 * a message that it refuses, or that was alone in the call that failed last, has failed by itself.
 */
export class RelaySink implements Sink {
  readonly gathers: number;
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #maxBatch: number;
  readonly #buffer: Buffer;
  readonly #breaker: Breaker;
  readonly #rate = new Rate();
  readonly #pause = sleeper();
  /** Left out, in the order of their calls, until another message is accepted. */
  #suspects: Suspect[] = [];
  #inCall: readonly Entry[] = [];
  #batch: number;
  #isRunning = false;
  #isClosed = false;
  #relayed = 0;
  #released = 0;

  constructor(settings: Settings, reporter: Reporter) {
    const { maxBatch, ordered: together } = capabilitiesOf(settings.to);
    this.#settings = settings;
    this.#reporter = reporter;
    this.#maxBatch = Math.min(maxBatch, MAX_BATCH);
    this.#batch = this.#maxBatch;
    this.gathers = 2 * this.#maxBatch; // the next call is full when one ends
    this.#buffer = new Buffer({ ordered: settings.ordered, together });
    this.#breaker = new Breaker(settings.breaker);
  }

  /** Messages that were given back without an attempt. */
  get released(): number {
    return this.#released;
  }

  get stats(): Omit<RelayStats, "dead"> {
    const suspects = this.#suspects.map(({ entry }) => entry);
    const held = [...this.#inCall, ...suspects, ...this.#buffer.entries];
    return {
      relayed: this.#relayed,
      perSecond: this.#rate.perSecond,
      held: held.length,
      lagMs: lagOf(held.map(({ delivery }) => delivery.message)),
      breaker: this.#breaker.state,
    };
  }

  handles(queue: string, name: string): boolean {
    const { queue: own, names } = this.#settings;
    return queue === own && names.some((pattern) => matches(pattern, name));
  }

  deliver(delivery: Delivery): Promise<Outcome> {
    return new Promise((settle) => {
      this.#buffer.push({ delivery, settle });
      if (!this.#isRunning) this.#run();
    });
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
    const lines = new Set(this.#suspects.flatMap(({ entry }) => this.#buffer.lineOf(entry) ?? []));
    const taken = this.#buffer.take(this.#batch, lines);
    // If nobody else is left, there is nobody to compare them with.
    if (taken.length === 0) this.#acquit(this.#suspects.splice(0));
    return this.#sendable(taken);
  }

  /** Without those that are lost, or that another process of the queue has subscribed to, which hold their line. */
  async #sendable(taken: readonly Entry[]): Promise<readonly Entry[]> {
    const held = new Set<string>();
    const sendable = taken.filter((entry) => {
      const line = held.size > 0 ? this.#buffer.lineOf(entry) : undefined;
      if (line !== undefined && held.has(line)) this.#release([entry]);
      else if (!this.handles(entry.delivery.queue, entry.delivery.message.name))
        this.#end(entry, parked, held);
      else return !this.#isLost(entry);
      return false;
    });
    await this.#holdBack(held);
    return sendable;
  }

  async #call(batch: readonly Entry[]): Promise<void> {
    this.#inCall = batch;
    this.#breaker.calling();
    const answer = await call(batch, this.#settings);
    this.#inCall = [];
    if (answer.type === "accepted") return this.#accepted(batch, answer.results);
    if (answer.type === "failed") return this.#failed(batch, answer.error);
    this.#breaker.cancelled();
    this.#buffer.putBack(batch);
  }

  async #accepted(batch: readonly Entry[], results: readonly DeliverResult[]): Promise<void> {
    if (this.#breaker.succeeded()) this.#sayClosed();
    this.#batch = Math.min(this.#batch * STEP, this.#maxBatch);
    /** Lines whose messages wait for one that will come again. */
    const held = new Set<string>();
    this.#judge(held);
    const before = this.#relayed;
    for (const [n, entry] of batch.entries()) this.#settle(entry, results[n], held);
    this.#rate.add(this.#relayed - before);
    await this.#holdBack(held);
  }

  /** The destination is up: the last one's call failed by that one's fault; of those before nobody knows. */
  #judge(held: Set<string>): void {
    const last = this.#suspects.pop();
    this.#acquit(this.#suspects.splice(0));
    if (last) this.#refused(last.entry, last.error, held);
  }

  #settle(entry: Entry, result: DeliverResult | undefined, held: Set<string>): void {
    const line = held.size > 0 ? this.#buffer.lineOf(entry) : undefined;
    if (line !== undefined && held.has(line)) this.#release([entry]);
    else if (result?.status === "failed") this.#refused(entry, result.error, held);
    else {
      this.#relayed += 1;
      entry.settle(done);
    }
  }

  #refused(entry: Entry, error: unknown, held: Set<string>): void {
    if (this.#isLost(entry)) return;
    const failure = failedMessage(error, entry.delivery.attempt, this.#settings);
    this.#reporter.failedAttempt(entry.delivery, failure);
    this.#end(entry, failure.outcome, held);
  }

  /** One that will come again holds its line. */
  #end(entry: Entry, outcome: Outcome, held: Set<string>): void {
    const line = this.#buffer.lineOf(entry);
    if (outcome.type !== "dead" && line !== undefined) held.add(line);
    entry.settle(outcome);
  }

  async #failed(batch: readonly Entry[], error: unknown): Promise<void> {
    const { waitMs, hasOpened } = this.#breaker.failed();
    const pauseMs = Math.max(waitMs, retryAfterMs(error));
    this.#batch = Math.max(1, Math.floor(batch.length / STEP));
    const [first] = batch;
    if (batch.length === 1 && first) this.#suspects.push({ entry: first, error });
    else this.#buffer.putBack(batch);
    this.#sayFailed(error, hasOpened, pauseMs);
    if (!this.#isClosed) await this.#pause.sleep(pauseMs);
    if (this.#isClosed) this.#giveBack();
  }

  #acquit(suspects: readonly Suspect[]): void {
    this.#buffer.putBack(suspects.map(({ entry }) => entry));
  }

  #giveBack(): void {
    this.#acquit(this.#suspects.splice(0));
    this.#release(this.#buffer.drain());
  }

  #release(entries: readonly Entry[]): void {
    this.#released += entries.length;
    for (const { settle } of entries) settle(released);
  }

  /** Somebody else has it, or will: its outcome does not count. */
  #isLost({ delivery, settle }: Entry): boolean {
    if (!delivery.signal.aborted) return false;
    settle(released);
    return true;
  }

  #sayFailed(error: unknown, hasOpened: boolean, pauseMs: number): void {
    const { to, queue } = this.#settings;
    const fields = { queue, destination: to.name, pauseMs };
    if (hasOpened) this.#reporter.error(this.#down(error), "the destination is down", fields);
    else this.#reporter.error(error, "the destination failed", fields);
  }

  #down(cause: unknown): EventsError {
    const { to, queue, breaker } = this.#settings;
    const text =
      `Destination "${to.name}" has failed ${breaker.failures} times in a row: the relay of queue ${queue} tries it with ` +
      "single messages until it accepts one. Nothing is lost meanwhile.";
    return new EventsError("DESTINATION_DOWN", text, { cause });
  }

  #sayClosed(): void {
    const { to, queue } = this.#settings;
    this.#reporter.warn({ queue, destination: to.name }, "the destination is up again");
  }
}
