import { parseJson } from "./codec.js";
import { NO_HEADERS } from "./headers.js";
import type { Envelope, Headers, Message } from "./message.js";
import { toIso } from "./time.js";

/** What JSON leaves as it is. */
const PLAIN = /^[\w\-.:]*$/;

/** The wire form of a message. A delay becomes a time, counted from the publish: sending it again moves nothing. */
export function toEnvelope(message: Message): Envelope {
  return { ...JSON.parse(attributesText(message)), payload: parseJson(message.json) };
}

/** The JSON text of the wire form without the payload, for those who have the payload's. */
export function attributesText(message: Message): string {
  return isBare(message) ? bareText(message) : JSON.stringify(toAttributes(message));
}

/** Whether it has none of what may be left out. */
function isBare({ key, headers, deliverAt, delayMs, dedupKey, dedupMs }: Message): boolean {
  const later = deliverAt ?? delayMs;
  return (key ?? later ?? dedupKey ?? dedupMs) === undefined && headers === NO_HEADERS;
}

/** The same as JSON.stringify of all attributes, for the many that are bare. */
function bareText({ id, name, topic, publishedAt }: Message): string {
  const what = `"name":${quote(name)},"topic":${quote(topic)}`;
  return `{"id":${quote(id)},${what},"publishedAt":"${toIso(publishedAt)}"}`;
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** What is not there is `undefined`, which JSON leaves out. */
function toAttributes(message: Message) {
  const { id, name, topic, key, publishedAt, dedupKey, dedupMs } = message;
  return {
    id,
    name,
    topic,
    key,
    headers: isEmpty(message.headers) ? undefined : message.headers,
    publishedAt: toIso(publishedAt),
    deliverAt: deliveryTime(message)?.toISOString(),
    dedupKey,
    dedupMs,
  };
}

function isEmpty(headers: Headers): boolean {
  return headers === NO_HEADERS || Object.keys(headers).length === 0;
}

/** When a message is to be handled; a delay counts from the publish. */
export function deliveryTime({ deliverAt, delayMs, publishedAt }: Message): Date | undefined {
  return delayMs === undefined ? deliverAt : new Date(publishedAt.getTime() + delayMs);
}
