import { recodePayload } from "./codec.js";
import { DEFAULT_DEDUP_MS, type Dedup, NO_DEDUP } from "./dedup.js";
import { EventsError } from "./errors.js";
import { FieldReader } from "./field-reader.js";
import { NO_HEADERS, toHeaders } from "./headers.js";
import { toId } from "./id.js";
import { fieldText, isCanonical, itemTexts } from "./json-text.js";
import { toKey } from "./key.js";
import type { Message } from "./message.js";
import { toName, topicOf, toTopic } from "./name.js";
import { readOldEnvelope } from "./old-envelope.js";
import { CanonicalText, PayloadText } from "./payload-text.js";
import { StoredMessage } from "./stored-message.js";
import { fromIso, toDelay } from "./time.js";
import { attributesText } from "./to-envelope.js";

type EnvelopeText = string | PayloadText;

/** A JSON array of envelopes, with every payload exactly as its message holds it. */
export function encodeEnvelopes(messages: readonly Message[]): string {
  return `[${messages.map(encodeEnvelope).join()}]`;
}

/**
 * The messages of one envelope or an array of them, in the present form or that of
 * go-opinionatedevents. Unknown fields are ignored. Throws `INVALID_ENVELOPE` with the index and the
 * field if any of them can't be read.
 */
export function decodeEnvelopes(text: string): Message[] {
  const value = parse(text);
  const envelopes: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (isCanonical(text, value)) {
    const whole = new CanonicalText(text);
    return envelopes.map((envelope, index) =>
      readOne(envelope, new PayloadText(whole, index), index),
    );
  }
  const texts = Array.isArray(value) ? itemTexts(text) : [text];
  return envelopes.map((envelope, index) => readOne(envelope, texts[index] ?? "", index));
}

/** One envelope, with the payload exactly as the message holds it. */
export function encodeEnvelope(message: Message): string {
  return `${attributesText(message).slice(0, -1)},"payload":${message.json}}`;
}

/** `text` is that of the envelope, or of the payload alone if it is canonical. */
function readOne(envelope: unknown, text: EnvelopeText, index: number): StoredMessage {
  const fields = new FieldReader(envelope, `envelopes[${index}]`);
  if (fields.has("meta") && !fields.has("id")) return readOldEnvelope(fields);
  return readEnvelope(fields, text);
}

function readEnvelope(fields: FieldReader, text: EnvelopeText): StoredMessage {
  const name = fields.required("name", toName);
  const headers = fields.optional("headers", toHeaders) ?? NO_HEADERS;
  const id = fields.required("id", toId);
  const topic = fields.optional("topic", toTopic) ?? fields.required("name", () => topicOf(name));
  const key = fields.optional("key", toKey);
  const { json, payload } = fields.required("payload", (value) =>
    recodePayload(value, payloadText(text), headers),
  );
  return new StoredMessage({
    id,
    name,
    topic,
    key,
    json,
    payload,
    headersJson: headers === NO_HEADERS ? null : JSON.stringify(headers),
    publishedAt: fields.required("publishedAt", fromIso),
    deliverAt: fields.optional("deliverAt", fromIso) ?? null,
    dedup: readDedup(fields),
  });
}

function payloadText(text: EnvelopeText): string | PayloadText {
  return typeof text === "string" ? fieldText(text, "payload") : text;
}

function readDedup(fields: FieldReader): Dedup {
  const dedupKey = fields.optional("dedupKey", toKey);
  if (dedupKey === undefined) return NO_DEDUP;
  return { dedupKey, dedupMs: fields.optional("dedupMs", toDelay) ?? DEFAULT_DEDUP_MS };
}

// The parser's error is dropped, because it quotes the text.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EventsError("INVALID_ENVELOPE", "The text is not valid JSON.");
  }
}
