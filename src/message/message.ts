/** Text pairs that travel with a message on every transport. Keys are case-sensitive; use lower case. */
export type Headers = Readonly<Record<string, string>>;

/**
 * One fact, immutable. Made by `createMessage` or an event definition on the publishing side and by a
 * source on the receiving side.
 */
export interface Message<P = unknown> {
  /** UUID; version 7 unless the caller gave one. The identity by which a second publish is a duplicate. */
  readonly id: string;
  /** 1 to 255 characters of `A-Z a-z 0-9 _ - . :`. */
  readonly name: string;
  /** What a queue reads; the part of the name before the first dot unless given. */
  readonly topic: string;
  /** Messages of one key and topic can be handled in order. */
  readonly key: string | undefined;
  readonly headers: Headers;
  /** By the publisher's clock, until a store with a clock of its own replaces it. */
  readonly publishedAt: Date;
  /** Not handled before this time. */
  readonly deliverAt: Date | undefined;
  /** Not handled before so many milliseconds after the publish, by the store's clock. */
  readonly delayMs: number | undefined;
  /** By which a second message of the topic is a duplicate, too, for `dedupMs`. A log doesn't keep it. */
  readonly dedupKey: string | undefined;
  /** Milliseconds, by the store's clock. */
  readonly dedupMs: number | undefined;
  /** The publish locks the key until its transaction ends. True only where the message was made. */
  readonly orderedByKey: boolean;
  /** The decoded payload: a JSON value, or a `Uint8Array` for bytes. Throws `INVALID_PAYLOAD` if it can't be decoded. */
  readonly payload: P;
  /** The payload as JSON text, as it is stored and sent. Bytes are a JSON string of their base64. */
  readonly json: string;
  /** The envelope, so that `JSON.stringify(message)` is the wire format. */
  toJSON(): Envelope;
}

/** A message on the wire, in JSON. Times are ISO 8601; what is `undefined` or empty is left out. */
export interface Envelope {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  /** Any JSON value; bytes are base64, and the header `content-type` says so. */
  readonly payload: unknown;
  readonly key?: string;
  readonly headers?: Headers;
  readonly publishedAt: string;
  readonly deliverAt?: string;
  readonly dedupKey?: string;
  readonly dedupMs?: number;
}
