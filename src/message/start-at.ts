import { EventsError } from "./errors.js";

/** A place in the log, as `queue_state` and results show it: a whole number, as a `bigint` or as text. */
export interface LogPosition {
  readonly position: bigint | string;
}

/**
 * Where in the log a queue begins to read: with what commits from now on, with the earliest message, or with what was
 * published from a time or stands from a position on; after that comes everything that was not visible yet.
 */
export type StartAt = "now" | "earliest" | Date | LogPosition;

const MAX_POSITION = 2n ** 63n - 1n;

/** Throws `INVALID_OPTIONS` unless the value is a `StartAt`. */
export function assertStartAt(option: string, value: unknown): asserts value is StartAt {
  if (value === "now" || value === "earliest") return;
  if (value instanceof Date && Number.isFinite(value.getTime())) return;
  if (isLogPosition(value)) return;
  throw new EventsError(
    "INVALID_OPTIONS",
    `${option} is "now", "earliest", a valid Date or { position } with a whole number as a bigint or text.`,
  );
}

/** Whether the value is one, with a whole number that fits the log. */
export function isLogPosition(value: unknown): value is LogPosition {
  const { position } = (value ?? {}) as { position?: unknown };
  if (typeof position === "bigint") return position >= 0n && position <= MAX_POSITION;
  return (
    typeof position === "string" && /^\d{1,19}$/.test(position) && BigInt(position) <= MAX_POSITION
  );
}
