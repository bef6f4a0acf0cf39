import { EventsError } from "../message/errors.js";

/** Throws `INVALID_OPTIONS` unless the value is a whole number of at least `min`. */
export function assertInteger(option: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw invalid(option, value, `a whole number of at least ${min}`);
}

/** Throws `INVALID_OPTIONS` unless the value is a finite number from 0 to `max`. */
export function assertNumber(option: string, value: number, max = Number.MAX_VALUE): void {
  if (Number.isFinite(value) && value >= 0 && value <= max) return;
  const wanted = max === Number.MAX_VALUE ? "a number, zero or more" : `a number from 0 to ${max}`;
  throw invalid(option, value, wanted);
}

function invalid(option: string, value: unknown, wanted: string): EventsError {
  return new EventsError("INVALID_OPTIONS", `${option} is ${value}; give ${wanted}.`);
}
