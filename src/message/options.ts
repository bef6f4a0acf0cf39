import { EventsError } from "./errors.js";
import { show } from "./text.js";

/** Throws `INVALID_OPTIONS` unless the value is an object with no other keys than the known ones. */
export function assertOptions(value: unknown, known: readonly string[], owner: string): void {
  if (typeof value !== "object" || value === null) {
    throw new EventsError("INVALID_OPTIONS", `The options of ${owner} are not an object.`);
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const text = `Unknown option ${show(key)} of ${owner}: it has ${known.join(", ")}.`;
    throw new EventsError("INVALID_OPTIONS", text);
  }
}

/** Throws `INVALID_OPTIONS` unless the value is true, false or undefined. */
export function assertBoolean(option: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new EventsError("INVALID_OPTIONS", `${option} is ${show(value)}; give true or false.`);
}

/** The longest delay that `setTimeout` keeps, in ms (24.8 days); a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws `INVALID_OPTIONS` unless the value is a whole number from `min` to `max`. */
export function assertInteger(
  option: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw outOfRange(option, value, "a whole number", min, max);
}

/** Throws `INVALID_OPTIONS` unless the value is a finite number from 0 to `max`. */
export function assertNumber(option: string, value: number, max = Number.MAX_VALUE): void {
  if (Number.isFinite(value) && value >= 0 && value <= max) return;
  throw outOfRange(option, value, "a number", 0, max);
}

function outOfRange(option: string, value: unknown, kind: string, min: number, max: number) {
  const range = max >= Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return new EventsError("INVALID_OPTIONS", `${option} is ${value}; give ${kind} ${range}.`);
}
