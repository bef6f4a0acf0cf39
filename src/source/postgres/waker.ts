import type { Database } from "../../postgres/database.js";
import {
  declareIdle,
  type Handled,
  isInFlight,
  type PollResult,
  poll,
  type Watch,
} from "../../postgres/wake.js";
import { Loop } from "../loop.js";
import { untilNext } from "../timer.js";
import { Trusted } from "./trusted.js";

/** While some places are busy, the others are looked after so often: topics, or else only deliveries, most of which tell when they are due. */
const [TOPICS_POLL_MS, DUE_POLL_MS] = [20, 100];
/** But only after so many times as long as a poll took the server: it looks at every topic, and there may be thousands. */
const POLL_PAUSE = 4;
const MAX_PAUSE_MS = 1_000;

/** How many places there are to take work from, and how many of them have run dry; of these, how many are topics. */
export interface Places {
  readonly total: number;
  readonly idle: number;
  readonly idleTopics: number;
}

export interface WakerOptions {
  readonly db: Database;
  readonly handled: readonly Handled[];
  /** The longest time between two polls, in ms. */
  readonly intervalMs: number;
  /** Publishers can reach this process. */
  readonly listens: boolean;
  readonly places: () => Places;
  /** Wakes what a poll has found. */
  readonly onPoll: (result: PollResult) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Wakes idle intakes: by polling, at an interval and when a delivery is due; sooner if a publish notifies. NOTIFY is only
 * a hint that we ask for while we are idle. No wake-up is lost (docs/decisions/wake-up.md): who published before the
 * request could be seen was in flight when we made it, and as long as one of those is, we poll.
 */
export class Waker {
  readonly #options: WakerOptions;
  readonly #loop: Loop;
  #pollAt = 0;
  /** How long the last poll took the server. */
  #tookMs = 0;
  /** Until when publishers notify. */
  #declaredUntil = 0;
  #watch: Watch | undefined;
  #watchMs = 1;
  /** What the last poll said if it found that nothing was left, and nothing has woken this since. */
  readonly #trusted = new Trusted();
  #settled: string | undefined;

  constructor(options: WakerOptions) {
    this.#options = options;
    this.#loop = new Loop(() => this.#step(), options.onError);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** What the last poll said if it found that nothing was left. */
  get settled(): string | undefined {
    return this.#settled;
  }

  /** Something may have come, or will soon be due. */
  pollNow(): void {
    this.#pollAt = 0;
    this.#trusted.forget();
    this.#loop.wake();
  }

  /** A place has run dry. */
  idle(): void {
    this.#loop.wake();
  }

  async #step(): Promise<number | undefined> {
    const { places, listens } = this.#options;
    const { idle, total } = places();
    if (idle === 0) return undefined;
    if (listens && idle === total) await this.#declare();
    this.#pollAt = Math.min(this.#pollAt, performance.now() + this.#pauseMs());
    if (performance.now() >= this.#pollAt) await this.#poll();
    if (this.#watch) await this.#checkWatch(this.#watch);
    return Math.max(1, this.#pollAt - performance.now());
  }

  #pauseMs(): number {
    const { places, intervalMs } = this.#options;
    const { idle, total, idleTopics } = places();
    if (idle === total) return untilNext(intervalMs);
    const busyMs = idleTopics > 0 ? TOPICS_POLL_MS : DUE_POLL_MS;
    return Math.min(Math.max(busyMs, POLL_PAUSE * this.#tookMs), MAX_PAUSE_MS, intervalMs);
  }

  /** Renewed in good time. After a lapse there may be publishers that have not seen it. */
  async #declare(): Promise<void> {
    const { db, intervalMs } = this.#options;
    const now = performance.now();
    if (now < this.#declaredUntil - 1.5 * intervalMs) return;
    const lapsed = now >= this.#declaredUntil;
    const watch = await declareIdle(db, 4 * intervalMs);
    this.#declaredUntil = now + 3 * intervalMs;
    if (!lapsed) return;
    this.#watch = watch;
    this.#watchMs = 1;
    this.#pollAt = 0;
  }

  async #poll(): Promise<void> {
    const { db, handled, onPoll } = this.#options;
    this.#pollAt = Number.POSITIVE_INFINITY;
    const result = await poll(db, handled, this.#trusted.take()).catch((error) => {
      this.#pollAt = 0; // what it was for is still to be found
      this.#settled = undefined;
      throw error;
    });
    this.#settled = result.settled;
    if (this.#pollAt > 0) this.#trusted.keep(result.settled);
    this.#tookMs = result.tookMs;
    const dueMs = Math.min(...[...result.due.values()].filter((ms) => ms > 0));
    this.#pollAt = Math.min(this.#pollAt, performance.now() + Math.min(dueMs, this.#pauseMs()));
    onPoll(result);
  }

  async #checkWatch(watch: Watch): Promise<void> {
    if (!(await isInFlight(this.#options.db, watch))) {
      this.#watch = undefined;
      this.#pollAt = 0; // once more: the last of them may have committed since the poll
      this.#loop.wake();
      return;
    }
    this.#watchMs = Math.min(this.#watchMs * 2, this.#options.intervalMs);
    this.#pollAt = Math.min(this.#pollAt, performance.now() + this.#watchMs);
  }
}
