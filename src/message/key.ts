import { EventsError } from "./errors.js";
import { isStorable, STORABLE } from "./text.js";

const MAX_LENGTH = 1_000;

/** The key itself. Throws `INVALID_KEY` unless it is a string of 1 to 1,000 storable characters. */
export function toKey(value: unknown): string {
  if (typeof value === "string" && isKey(value)) return value;
  const text = `Bad key: use a string of 1 to 1,000 characters, ${STORABLE}, or leave it out.`;
  throw new EventsError("INVALID_KEY", text);
}

/** Whether the key is to be locked. Throws `INVALID_OPTIONS` unless the value is a boolean, `INVALID_KEY` if there is no key. */
export function toOrderedByKey(value: unknown, key: string | undefined): boolean {
  assertOrderedByKey(value);
  if (value && key === undefined) {
    throw new EventsError("INVALID_KEY", "A message that is ordered by key needs a key.");
  }
  return value;
}

/** Throws `INVALID_OPTIONS` unless the value is a boolean. */
export function assertOrderedByKey(value: unknown): asserts value is boolean {
  if (typeof value === "boolean") return;
  throw new EventsError("INVALID_OPTIONS", "orderedByKey is true or false.");
}

function isKey(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LENGTH && isStorable(text);
}
