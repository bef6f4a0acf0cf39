import { decodePayload, encodePayload } from "./codec.js";
import { toDedup } from "./dedup.js";
import { EventsError } from "./errors.js";
import { NO_HEADERS, toHeaders } from "./headers.js";
import { newId, toId } from "./id.js";
import { toKey, toOrderedByKey } from "./key.js";
import type { Envelope, Headers, Message } from "./message.js";
import { toName, topicOf, toTopic } from "./name.js";
import { assertOptions } from "./options.js";
import { toDate, toDelay } from "./time.js";
import { toEnvelope } from "./to-envelope.js";

export interface MessageOptions {
  /** A UUID, kept in lower case: a second publish with the same id is a duplicate. Default: a new UUIDv7. */
  readonly id?: string | undefined;
  /** Default: the part of the name before the first dot. */
  readonly topic?: string | undefined;
  /** 1 to 1,000 characters. Messages of one key and topic can be handled in order. */
  readonly key?: string | undefined;
  readonly headers?: Headers | undefined;
  /** Not handled before this time. Excludes `delayMs`. */
  readonly deliverAt?: Date | undefined;
  /** Not handled before so many milliseconds after the publish. Excludes `deliverAt`. */
  readonly delayMs?: number | undefined;
  /** 1 to 1,000 characters. Within `dedupMs`, a second message of its topic and dedup key is a duplicate, whatever its id. */
  readonly dedupKey?: string | undefined;
  /** How long the dedup key is remembered, in ms from the publish on. Default 300,000, 5 minutes. */
  readonly dedupMs?: number | undefined;
  /**
   * Positions of its key are in the order of commits, because the publish locks the key until its transaction ends.
   * Only for publishers whose transactions don't take turns already (docs/publishing.md). Default false.
   */
  readonly orderedByKey?: boolean | undefined;
}

const OPTIONS = [
  "id",
  "topic",
  "key",
  "headers",
  "deliverAt",
  "delayMs",
  "dedupKey",
  "dedupMs",
  "orderedByKey",
];
const NO_OPTIONS: MessageOptions = Object.freeze({});

/**
 * A message, with its payload encoded here and now: what can't be sent unchanged throws
 * `INVALID_PAYLOAD`, and what the caller does to the payload later changes nothing. Also throws
 * `INVALID_NAME`, `INVALID_ID`, `INVALID_KEY`, `INVALID_HEADERS`, `INVALID_TIME`, `INVALID_OPTIONS`.
 */
export function createMessage<P>(
  name: string,
  payload: P,
  options: MessageOptions = NO_OPTIONS,
): Message<P> {
  assertOptions(options, OPTIONS, "a message");
  const { id, topic, key, headers, deliverAt, delayMs, orderedByKey = false } = options;
  if (deliverAt !== undefined && delayMs !== undefined) {
    throw new EventsError("INVALID_OPTIONS", "Give a message deliverAt or delayMs, not both.");
  }
  const encoded = encodePayload(payload, headers === undefined ? NO_HEADERS : toHeaders(headers));
  const dedup = toDedup(options.dedupKey, options.dedupMs);
  // Without a spread, which costs more than all of the checks.
  return new CreatedMessage<P>({
    id: id === undefined ? newId() : toId(id),
    name: toName(name),
    topic: topic === undefined ? topicOf(name) : toTopic(topic),
    key: key === undefined ? undefined : toKey(key),
    json: encoded.json,
    headers: encoded.headers,
    deliverAt: deliverAt === undefined ? undefined : toDate(deliverAt),
    delayMs: delayMs === undefined ? undefined : toDelay(delayMs),
    dedupKey: dedup.dedupKey,
    dedupMs: dedup.dedupMs,
    orderedByKey: toOrderedByKey(orderedByKey, key),
  });
}

class CreatedMessage<P> implements Message<P> {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly headers: Headers;
  readonly deliverAt: Date | undefined;
  readonly delayMs: number | undefined;
  readonly dedupKey: string | undefined;
  readonly dedupMs: number | undefined;
  readonly orderedByKey: boolean;
  readonly json: string;
  /** In ms since the epoch: a date takes six times the memory, and a buffer may hold many messages. */
  readonly #publishedAt: number;
  #payload: unknown;

  constructor(fields: Omit<Message, "payload" | "publishedAt" | "toJSON">) {
    this.#publishedAt = Date.now();
    this.id = fields.id;
    this.name = fields.name;
    this.topic = fields.topic;
    this.key = fields.key;
    this.headers = fields.headers;
    this.deliverAt = fields.deliverAt;
    this.delayMs = fields.delayMs;
    this.dedupKey = fields.dedupKey;
    this.dedupMs = fields.dedupMs;
    this.orderedByKey = fields.orderedByKey;
    this.json = fields.json;
  }

  get publishedAt(): Date {
    return new Date(this.#publishedAt);
  }

  get payload(): P {
    this.#payload ??= decodePayload(this.json, this.headers);
    return this.#payload as P;
  }

  toJSON(): Envelope {
    return toEnvelope(this);
  }
}
