import { EventsError } from "../message/errors.js";

/** The longest delay that `setTimeout` keeps, in ms (24.8 days); a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws `INVALID_OPTIONS` unless the value is a whole number from `min` to `max`. */
export function assertInteger(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const text = `${option} is ${value}; give a whole number from ${min} to ${max}.`;
  throw new EventsError("INVALID_OPTIONS", text);
}
