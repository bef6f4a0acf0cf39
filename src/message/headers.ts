import { isPlainObject } from "./defect.js";
import { EventsError } from "./errors.js";
import type { Headers } from "./message.js";
import { isStorable, STORABLE, show } from "./text.js";

export const NO_HEADERS: Headers = Object.freeze({});

/** A frozen copy. Throws `INVALID_HEADERS` unless the value is an object of storable strings. */
export function toHeaders(value: unknown): Headers {
  if (typeof value !== "object" || value === null || !isPlainObject(value)) {
    throw new EventsError("INVALID_HEADERS", "Bad headers: use a plain object of strings.");
  }
  const headers: Record<string, string> = { ...value };
  for (const name of Object.keys(headers)) assertHeader(name, headers[name]);
  return Object.freeze(headers);
}

function assertHeader(name: string, value: unknown): void {
  if (name === "" || !isStorable(name)) {
    const text = `Bad header name ${show(name)}: use a text that is not empty, ${STORABLE}.`;
    throw new EventsError("INVALID_HEADERS", text);
  }
  if (typeof value !== "string" || !isStorable(value)) {
    const text = `Bad value of header ${show(name)}: use a string, ${STORABLE}.`;
    throw new EventsError("INVALID_HEADERS", text);
  }
}
