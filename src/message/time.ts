import { EventsError } from "./errors.js";
import { show } from "./text.js";

// The years that ISO 8601 and PostgreSQL write alike: 1 to 9999.
const EARLIEST = Date.parse("0001-01-01T00:00:00.000Z");
const LATEST = Date.parse("9999-12-31T23:59:59.999Z");
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

// Messages of one batch are made in the same millisecond, mostly.
let lastMs = Number.NaN;
let lastIso = "";
let readMs = Number.NaN;
let readIso: string | undefined;

/** The date as ISO 8601. Throws a `RangeError` for an invalid one. */
export function toIso(date: Date): string {
  const ms = date.getTime();
  if (ms !== lastMs) {
    lastIso = date.toISOString();
    lastMs = ms;
  }
  return lastIso;
}

/** A copy of the date. Throws `INVALID_TIME` unless it is a valid `Date` in the years 1 to 9999. */
export function toDate(value: unknown): Date {
  if (value instanceof Date && isInRange(value.getTime())) return new Date(value);
  throw new EventsError("INVALID_TIME", "Bad time: use a valid Date in the years 1 to 9999.");
}

/** The date of an ISO 8601 text with a date, a time and an offset. Throws `INVALID_TIME`. */
export function fromIso(value: unknown): Date {
  if (typeof value === "string" && (value === readIso || readable(value))) return new Date(readMs);
  const text = `Bad time ${show(value)}: use ISO 8601 with an offset, as in 2026-01-31T10:00:00.000Z.`;
  throw new EventsError("INVALID_TIME", text);
}

/** Whether it can be read; what it says is in `readMs` then. */
function readable(text: string): boolean {
  const ms = ISO.test(text) ? Date.parse(text) : Number.NaN;
  if (!isInRange(ms)) return false;
  readIso = text;
  readMs = ms;
  return true;
}

/** The date of an ISO 8601 text, or of one as PostgreSQL writes it (`2026-01-31 10:00:00+00`). Throws `INVALID_TIME`. */
export function fromStored(text: string): Date {
  // Nearly all are like this one, and a relay reads the times of all.
  const ms = text[10] === " " && text.endsWith("+00") ? fromUtc(text) : Number.NaN;
  if (isInRange(ms)) return new Date(ms);
  return fromIso(text.replace(" ", "T").replace(/[+-]\d\d$/, "$&:00"));
}

// Messages of one claim were published in the same second, mostly.
let lastSecond = "none";
let lastSecondMs = Number.NaN;

/** `2026-01-31 10:00:00.123456+00` */
function fromUtc(text: string): number {
  if (!text.startsWith(lastSecond)) {
    lastSecond = text.slice(0, 19);
    lastSecondMs = Date.parse(`${lastSecond.replace(" ", "T")}Z`);
  }
  return lastSecondMs + fractionMs(text.slice(19, -3));
}

function fractionMs(fraction: string): number {
  if (fraction === "") return 0;
  return fraction[0] === "." ? Number(`${fraction}00`.slice(1, 4)) : Number.NaN;
}

/** The delay itself, in ms. Throws `INVALID_TIME` unless it is a number >= 0 that ends by the year 9999. */
export function toDelay(value: unknown): number {
  if (typeof value === "number" && value >= 0 && isInRange(Date.now() + value)) return value;
  throw new EventsError("INVALID_TIME", "Bad delay: use a number of milliseconds, 0 or more.");
}

function isInRange(ms: number): boolean {
  return ms >= EARLIEST && ms <= LATEST;
}
