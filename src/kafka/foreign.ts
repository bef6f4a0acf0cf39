import { v5 } from "uuid";
import type { Message } from "../message/message.js";
import type { KafkaHeaders, KafkaMessage } from "./client.js";

/** A record that is not one of ours, as a decoder gets it. */
export interface ForeignRecord {
  /** A UUID of its place: the same each time that the record is read, so that its message keeps its id. */
  readonly id: string;
  /** Kafka's. */
  readonly topic: string;
  readonly partition: number;
  /** A decimal number. */
  readonly offset: string;
  readonly timestamp: Date;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: KafkaHeaders;
}

/**
 * Makes a message of a record that is not one of ours. What it throws is the reason why the record is dead.
 *
 * @example ({ id, key, value }) => createMessage("order.placed", JSON.parse(String(value)), { id, key: String(key) })
 */
export type ForeignDecoder = (record: ForeignRecord) => Message;

const NAMESPACE = "1e5a0c0e-4f0f-5d65-9a35-6d4a7f1b2c90";

export function foreignRecord(
  topic: string,
  partition: number,
  { key, value, offset, timestamp, headers = {} }: KafkaMessage,
): ForeignRecord {
  const id = v5(`${topic}/${partition}/${offset}`, NAMESPACE);
  const at = new Date(Number(timestamp));
  return { id, topic, partition, offset, timestamp: at, key, value, headers };
}
