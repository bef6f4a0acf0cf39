import { isUtf8 } from "node:buffer";
import type { Headers } from "../message/message.js";
import type { KafkaHeaders } from "./client.js";

/** What begins the names of the headers that are ours; docs/brokers/kafka.md lists them. */
const OURS = "oe-";
/** A message's own header whose name begins like ours has this before it. */
const ESCAPE = `${OURS}header-`;

/** A message's own headers as those of its record. */
export function escapeHeaders(headers: Headers): KafkaHeaders {
  const escaped: KafkaHeaders = {};
  for (const name of Object.keys(headers)) {
    define(escaped, name.startsWith(OURS) ? ESCAPE + name : name, headers[name]);
  }
  return escaped;
}

/** A record's headers as texts, those of ours apart from the message's own; `null` is what is no text. */
export function splitHeaders(headers: KafkaHeaders) {
  const ours: Record<string, string | null> = {};
  const own: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (name.startsWith(ESCAPE)) define(own, name.slice(ESCAPE.length), textOf(value));
    else define(name.startsWith(OURS) ? ours : own, name, textOf(value));
  }
  return { ours, own: Object.keys(own).length > 0 ? own : undefined };
}

/** The text of UTF-8, `null` if it is something else. Of a header that is there several times, the last one counts. */
export function textOf(value: KafkaHeaders[string] | null): string | null {
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return isUtf8(value) ? value.toString() : null;
  return Array.isArray(value) ? textOf(value.at(-1)) : "";
}

/** An assignment would set the prototype for `__proto__`. */
function define<T>(target: Record<string, T>, name: string, value: NoInfer<T>): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true });
}
