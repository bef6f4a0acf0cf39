import { isUtf8 } from "node:buffer";
import { fromBase64, toBase64 } from "./base64.js";
import { findDefect } from "./defect.js";
import { EventsError } from "./errors.js";
import { hasRepeatedKey } from "./json-text.js";
import type { Headers } from "./message.js";
import type { PayloadText } from "./payload-text.js";
import { show } from "./text.js";

// The header that says what a payload is. Missing, it is JSON.
const CONTENT_TYPE = "content-type";
const BYTES_TYPE = "application/octet-stream";
const JSON_TYPE = /^\s*[^/;\s]+\/([^/;\s]+\+)?json\s*(;|$)/i;

/** A payload as it is stored and sent, with the headers that it needs to be read again. */
export interface Encoded {
  readonly json: string;
  readonly headers: Headers;
}

/**
 * Encodes a payload so that `decodePayload` gives an equal one back: a `Uint8Array` as base64, all else
 * as JSON. Throws `INVALID_PAYLOAD` if it can't, and `INVALID_HEADERS` if the content type doesn't fit.
 */
export function encodePayload(payload: unknown, headers: Headers): Encoded {
  if (payload instanceof Uint8Array) {
    return { json: encodeBytes(payload), headers: withBytesType(headers) };
  }
  if (!isJson(headers)) {
    const text = `A payload with content-type ${headers[CONTENT_TYPE]} must be a Uint8Array.`;
    throw new EventsError("INVALID_HEADERS", `${text} Remove the header, or encode the payload.`);
  }
  return { json: encodeJson(payload), headers };
}

/** The payload of its stored text. Throws `INVALID_PAYLOAD`; the error holds nothing of the payload. */
export function decodePayload(json: string, headers: Headers): unknown {
  const value = parseJson(json);
  return isJson(headers) ? value : bytesOf(value, headers);
}

/** A payload as it is stored that came in an envelope as `value`; `text` is its text there. Throws `INVALID_PAYLOAD`. */
export function recodePayload(
  value: unknown,
  text: string | PayloadText,
  headers: Headers,
): { readonly json: string | PayloadText; readonly payload: unknown } {
  if (isJson(headers)) {
    if (typeof text === "string") return { json: keepJson(text), payload: value };
    assertEncodable(value);
    return { json: text, payload: value };
  }
  const bytes = bytesOf(value, headers);
  return { json: encodeBytes(bytes), payload: bytes };
}

/** The payload as those know it who don't know us: its JSON text, or its bytes. Throws `INVALID_PAYLOAD`. */
export function toRaw(json: string, headers: Headers): string | Buffer {
  if (isJson(headers)) return json;
  return Buffer.from(bytesOf(parseJson(json), headers).buffer);
}

/** The way back from `toRaw`, for what anybody may have written. Throws `INVALID_PAYLOAD`. */
export function fromRaw(
  raw: Uint8Array,
  headers: Headers,
): { readonly json: string; readonly payload: unknown } {
  if (!isJson(headers)) return { json: encodeBytes(raw), payload: new Uint8Array(raw) };
  if (!isUtf8(raw)) throw new EventsError("INVALID_PAYLOAD", "The payload is not valid UTF-8.");
  const json = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString();
  return { json, payload: parseJson(json) };
}

/** The JSON text to the letter, if `encodePayload` takes its value. Throws `INVALID_PAYLOAD`. */
export function keepJson(json: string): string {
  const value = parseJson(json);
  assertEncodable(value);
  if (!hasRepeatedKey(json, value)) return json;
  throw new EventsError(
    "INVALID_PAYLOAD",
    "An object in the payload has a key twice; send it once.",
  );
}

/** The value of a JSON text. Throws `INVALID_PAYLOAD` without the parser's error, which quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EventsError("INVALID_PAYLOAD", "The payload is not valid JSON.");
  }
}

/** JSON text that gives an equal value back. Throws `INVALID_PAYLOAD` with the path of what prevents it. */
function encodeJson(value: unknown): string {
  try {
    assertEncodable(value);
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof EventsError) throw error;
    // A getter threw, or the text is longer than a string can be.
    throw new EventsError("INVALID_PAYLOAD", "The payload can't be written as JSON.", {
      cause: error,
    });
  }
}

function assertEncodable(value: unknown): void {
  const defect = findDefect(value);
  if (!defect) return;
  throw new EventsError("INVALID_PAYLOAD", `payload${shorten(defect.path)} ${defect.problem}.`);
}

function bytesOf(value: unknown, headers: Headers): Uint8Array {
  const bytes = fromBase64(value);
  if (bytes) return bytes;
  const text = `The payload has content-type ${show(headers[CONTENT_TYPE])}, so it must be base64: encode it`;
  throw new EventsError("INVALID_PAYLOAD", `${text}, or send it as JSON without that header.`);
}

function encodeBytes(bytes: Uint8Array): string {
  return `"${toBase64(bytes)}"`;
}

function isJson(headers: Headers): boolean {
  const type = headers[CONTENT_TYPE];
  return type === undefined || JSON_TYPE.test(type);
}

function withBytesType(headers: Headers): Headers {
  if (headers[CONTENT_TYPE] === undefined) {
    return Object.freeze({ ...headers, [CONTENT_TYPE]: BYTES_TYPE });
  }
  if (!isJson(headers)) return headers;
  const text = `A Uint8Array payload can't have the content-type ${headers[CONTENT_TYPE]}.`;
  throw new EventsError("INVALID_HEADERS", `${text} Remove the header, or decode the payload.`);
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}...` : path;
}
