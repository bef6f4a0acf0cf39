import { EventsError } from "./errors.js";
import { isStorable, STORABLE } from "./text.js";

const MAX_LENGTH = 1_000;

/** The key itself. Throws `INVALID_KEY` unless it is a string of 1 to 1,000 storable characters. */
export function toKey(value: unknown): string {
  if (typeof value === "string" && isKey(value)) return value;
  const text = `Bad key: use a string of 1 to 1,000 characters, ${STORABLE}, or leave it out.`;
  throw new EventsError("INVALID_KEY", text);
}

function isKey(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LENGTH && isStorable(text);
}
