import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../message/clock.js";
import { assertNumber } from "../message/options.js";

/** Time that moves only when it is told to. */
export interface FakeClock extends Clock {
  /**
   * Moves on by `ms` milliseconds. What falls due on the way runs in order, each at its time. Handlers that wait for
   * nothing but promises are through when it resolves.
   */
  advance(ms: number): Promise<void>;
  /** Moves on to what is due next, and runs it. False if nothing is. */
  advanceToNext(): Promise<boolean>;
}

/**
 * A clock for the memory transports, which drives their retries and schedules.
 *
 * @example
 * const clock = fakeClock();
 * const source = memorySource(memoryDestination({ clock }));
 * await clock.advance(60_000);
 */
export function fakeClock(start = new Date()): FakeClock {
  return new ManualClock(start.getTime());
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

class ManualClock implements FakeClock {
  readonly #timers = new Set<Timer>();
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async advance(ms: number): Promise<void> {
    assertNumber("advance(ms)", ms);
    const end = this.#now + ms;
    while (await this.#runNext(end));
    this.#now = end;
  }

  advanceToNext(): Promise<boolean> {
    return this.#runNext(Number.POSITIVE_INFINITY);
  }

  /** What was published just now is scheduled in this turn of the event loop, and handlers end in it. */
  async #runNext(end: number): Promise<boolean> {
    await nextTurn();
    const next = this.#next();
    if (!next || next.at > end) return false;
    this.#timers.delete(next);
    this.#now = next.at;
    next.callback();
    await nextTurn();
    return true;
  }

  /** The earliest timer; of several, the one that was set first. */
  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (!next || timer.at < next.at) next = timer;
    return next;
  }
}
