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

export const systemClock: Clock = { now: () => Date.now(), after };
