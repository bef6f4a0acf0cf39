import { fromRaw, toRaw } from "../message/codec.js";
import { DEFAULT_DEDUP_MS, type Dedup, NO_DEDUP } from "../message/dedup.js";
import { EventsError } from "../message/errors.js";
import { FieldReader } from "../message/field-reader.js";
import { NO_HEADERS, toHeaders } from "../message/headers.js";
import { toId } from "../message/id.js";
import { toKey } from "../message/key.js";
import type { Message } from "../message/message.js";
import { toName, topicOf, toTopic } from "../message/name.js";
import { StoredMessage } from "../message/stored-message.js";
import { fromIso, toDelay, toIso } from "../message/time.js";
import { deliveryTime } from "../message/to-envelope.js";
import type { KafkaHeaders, KafkaMessage, KafkaRecord } from "./client.js";
import { escapeHeaders, splitHeaders, textOf } from "./record-headers.js";

const NO_BYTES = Buffer.of();

/** What a consumer gets, without its place. */
export type ReceivedRecord = Pick<KafkaMessage, "key" | "value" | "headers">;

/**
 * The record of a message: its key, its payload and its headers as they are, and the rest of it in headers of ours. Throws
 * `INVALID_PAYLOAD`, `INVALID_HEADERS` or `INVALID_TIME` for what was stored past our checks.
 */
export function toRecord(message: Message): KafkaRecord {
  const { key = null, json, headers } = message;
  const value = toRaw(json, headers);
  const attributes = attributesOf(message);
  if (headers === NO_HEADERS) return { key, value, headers: attributes };
  return { key, value, headers: Object.assign(escapeHeaders(headers), attributes) };
}

/** Whether the record says that it is one of ours. */
export function isOurs({ headers }: Pick<KafkaMessage, "headers">): boolean {
  return headers?.["oe-id"] !== undefined || headers?.["oe-name"] !== undefined;
}

/**
 * The message of a record. Throws `FOREIGN_MESSAGE` if it has no headers of ours, `INVALID_ENVELOPE` with the header if one
 * is missing or can't be read, and `INVALID_PAYLOAD` if the value isn't what its content type says.
 */
export function fromRecord(record: ReceivedRecord): StoredMessage {
  const fields = readerOf(record);
  const headers = fields.optional("headers", toHeaders) ?? NO_HEADERS;
  const name = fields.required("oe-name", toName);
  return new StoredMessage({
    id: fields.required("oe-id", toId),
    name,
    topic: fields.optional("oe-topic", toTopic) ?? fields.required("oe-name", () => topicOf(name)),
    key: fields.optional("key", toKey),
    // @confluentinc/kafka-javascript gives an empty value as none.
    ...fromRaw(record.value ?? NO_BYTES, headers),
    headersJson: headers === NO_HEADERS ? null : JSON.stringify(headers),
    publishedAt: fields.required("oe-published-at", fromIso),
    deliverAt: fields.optional("oe-deliver-at", fromIso) ?? null,
    dedup: readDedup(fields),
  });
}

/** What JSON would leave out is left out. */
function attributesOf(message: Message): KafkaHeaders {
  const { id, name, topic, publishedAt, dedupKey, dedupMs } = message;
  const deliverAt = deliveryTime(message);
  const attributes: KafkaHeaders = {
    "oe-id": id,
    "oe-name": name,
    "oe-published-at": toIso(publishedAt),
  };
  if (topic !== name.split(".", 1)[0]) attributes["oe-topic"] = topic;
  if (deliverAt) attributes["oe-deliver-at"] = toIso(deliverAt);
  if (dedupKey !== undefined) attributes["oe-dedup-key"] = dedupKey;
  if (dedupMs !== undefined) attributes["oe-dedup-ms"] = String(dedupMs);
  return attributes;
}

function readerOf(record: ReceivedRecord): FieldReader {
  if (!isOurs(record)) {
    const text =
      "The record was not written by kafkaDestination: it has no header oe-id or oe-name.";
    throw new EventsError("FOREIGN_MESSAGE", `${text} Give the source a decoder for such records.`);
  }
  const { ours, own } = splitHeaders(record.headers ?? {});
  const key = record.key === null ? undefined : textOf(record.key);
  return new FieldReader(
    { ...ours, headers: own, key, value: record.value ?? undefined },
    "record",
  );
}

function readDedup(fields: FieldReader): Dedup {
  const dedupKey = fields.optional("oe-dedup-key", toKey);
  if (dedupKey === undefined) return NO_DEDUP;
  const dedupMs = fields.optional("oe-dedup-ms", (text) => toDelay(Number(text)));
  return { dedupKey, dedupMs: dedupMs ?? DEFAULT_DEDUP_MS };
}
