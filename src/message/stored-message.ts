import { decodePayload } from "./codec.js";
import type { Dedup } from "./dedup.js";
import { EventsError } from "./errors.js";
import { NO_HEADERS, toHeaders } from "./headers.js";
import type { Envelope, Headers, Message } from "./message.js";
import type { PayloadText } from "./payload-text.js";
import { fromStored, toDate } from "./time.js";
import { toEnvelope } from "./to-envelope.js";

/** A message as a store or a wire gives it. The texts were checked when the message was made. */
export interface StoredFields {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly json: string | PayloadText;
  /** What `json` decodes to, where that is known. */
  readonly payload?: unknown;
  readonly headersJson: string | null;
  readonly publishedAt: string | Date;
  readonly deliverAt: string | Date | null;
  readonly dedup?: Dedup;
}

/**
 * A message that was received. Sources make many of them, so that nothing is decoded before it is asked
 * for: `payload` can throw `INVALID_PAYLOAD`, `headers` `INVALID_HEADERS`, and the times `INVALID_TIME`.
 */
export class StoredMessage<P = unknown> implements Message<P> {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly #json: string | PayloadText;
  readonly #headersJson: string | null;
  readonly #publishedAt: string | Date;
  readonly #deliverAt: string | Date | null;
  readonly #dedup: Dedup | undefined;
  #headers: Headers | undefined;
  #payload: unknown;

  constructor(fields: StoredFields) {
    this.id = fields.id;
    this.name = fields.name;
    this.topic = fields.topic;
    this.key = fields.key;
    this.#json = fields.json;
    this.#headersJson = fields.headersJson;
    this.#publishedAt = fields.publishedAt;
    this.#deliverAt = fields.deliverAt;
    this.#dedup = fields.dedup;
    this.#payload = fields.payload;
  }

  get json(): string {
    return typeof this.#json === "string" ? this.#json : this.#json.read();
  }

  get payload(): P {
    this.#payload ??= decodePayload(this.json, this.headers);
    return this.#payload as P;
  }

  get headers(): Headers {
    this.#headers ??= readHeaders(this.#headersJson);
    return this.#headers;
  }

  get publishedAt(): Date {
    return readTime(this.#publishedAt);
  }

  get deliverAt(): Date | undefined {
    return this.#deliverAt === null ? undefined : readTime(this.#deliverAt);
  }

  get delayMs(): undefined {
    return undefined;
  }

  get dedupKey(): string | undefined {
    return this.#dedup?.dedupKey;
  }

  get dedupMs(): number | undefined {
    return this.#dedup?.dedupMs;
  }

  get orderedByKey(): false {
    return false;
  }

  toJSON(): Envelope {
    return toEnvelope(this);
  }
}

function readHeaders(json: string | null): Headers {
  if (json === null) return NO_HEADERS;
  try {
    return toHeaders(JSON.parse(json));
  } catch (error) {
    // The parser's error quotes the text.
    const problem = error instanceof EventsError ? error.message : "They are not valid JSON.";
    throw new EventsError("INVALID_HEADERS", `The stored headers can't be read. ${problem}`);
  }
}

function readTime(time: string | Date): Date {
  return typeof time === "string" ? fromStored(time) : toDate(time);
}
