import { EventsError } from "../message/errors.js";
import { toId } from "../message/id.js";
import { toKey } from "../message/key.js";
import { toPattern, toQueue, toTopic } from "../message/name.js";
import { assertOptions } from "../message/options.js";
import { isStorable, STORABLE } from "../message/text.js";
import { toDate } from "../message/time.js";
import type { DeadLetterFilter } from "./dead-letters.js";

/** Checks each member, and makes what JSON holds of it. Their order is that of the text. */
const members: {
  readonly [Name in keyof Required<DeadLetterFilter>]: (value: unknown) => string;
} = {
  queue: toQueue,
  topic: toTopic,
  name: toPattern,
  key: toKey,
  id: toId,
  code: toCode,
  diedAfter: (value) => toDate(value).toISOString(),
  diedBefore: (value) => toDate(value).toISOString(),
};

/**
 * The filter as JSON, the same text for the same filter. A member that is there and undefined is refused: it is what a
 * variable is that was never set, and without it all would be meant.
 */
export function filterJson(filter: DeadLetterFilter): string {
  const names = Object.keys(members) as (keyof DeadLetterFilter)[];
  assertOptions(filter, names, "a filter of dead letters");
  const given = names.filter((name) => name in filter);
  return JSON.stringify(Object.fromEntries(given.map((name) => [name, member(filter, name)])));
}

function member(filter: DeadLetterFilter, name: keyof DeadLetterFilter): string {
  const value = filter[name];
  if (value !== undefined) return members[name](value);
  const text = `The filter's ${name} is undefined: give it a value, or leave it out.`;
  throw new EventsError("INVALID_OPTIONS", text);
}

function toCode(value: unknown): string {
  if (typeof value === "string" && isStorable(value)) return value;
  throw new EventsError("INVALID_OPTIONS", `The filter's code is not a text, ${STORABLE}.`);
}
