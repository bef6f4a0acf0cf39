import type { Clock } from "../message/clock.js";
import { MAX_TIMER_MS } from "../message/options.js";

/** Calls back after `ms` milliseconds, however many. Returns the function that cancels it. */
export function after(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    const step = Math.min(left, MAX_TIMER_MS);
    timer = setTimeout(() => (left > step ? wait(left - step) : callback()), step);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * Milliseconds until the process is a multiple of `everyMs` old. What is done at intervals is done at these times, all of it
 * together: an idle process that wakes up once does it for less than one that wakes up for each.
 */
export function untilNext(everyMs: number): number {
  return everyMs - (performance.now() % everyMs);
}

export const systemClock: Clock = { now: () => Date.now(), after };
