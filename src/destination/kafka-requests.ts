import type { KafkaRecord } from "../kafka/client.js";
import { KafkaError } from "../kafka/kafka-error.js";
import { toRecord } from "../kafka/record.js";
import { type TopicOf, toKafkaTopic } from "../kafka/topics.js";
import type { Message } from "../message/message.js";
import type { DeliverResult } from "./destination.js";

/** A record, and where its message is in the batch. */
export interface Item {
  readonly index: number;
  readonly record: KafkaRecord;
}

/** What Kafka adds to a record, about: lengths, the offset, the time. */
const RECORD_BYTES = 30;
const HEADER_BYTES = 4;

/** The records of a batch by Kafka's topic, in order. What can't be one is failed, for good. */
export function toItems(
  batch: readonly Message[],
  topicOf: TopicOf | undefined,
  results: DeliverResult[],
): ReadonlyMap<string, readonly Item[]> {
  const byTopic = new Map<string, Item[]>();
  const kafkaTopics = new Map<string, string>();
  for (let index = 0; index < batch.length; index += 1) {
    const message = batch[index] as Message;
    try {
      const topic = kafkaTopics.get(message.topic) ?? toKafkaTopic(message.topic, topicOf);
      kafkaTopics.set(message.topic, topic);
      const item = { index, record: toRecord(message) };
      const items = byTopic.get(topic);
      if (items) items.push(item);
      else byTopic.set(topic, [item]);
    } catch (error) {
      results[index] = { status: "failed", error: unsendable(error) };
    }
  }
  return byTopic;
}

/** Cut so that no request has more bytes than that, but for one of a single record. */
export function toRequests(items: readonly Item[], maxBytes: number): Item[][] {
  const requests: Item[][] = [];
  let left = 0;
  for (const item of items) {
    const bytes = bytesOf(item.record);
    if (bytes > left || requests.length === 0) {
      requests.push([]);
      left = maxBytes;
    }
    requests.at(-1)?.push(item);
    left -= bytes;
  }
  return requests;
}

function bytesOf({ key, value, headers }: KafkaRecord): number {
  let bytes = RECORD_BYTES + lengthOf(key) + lengthOf(value);
  for (const name in headers) {
    bytes += HEADER_BYTES + Buffer.byteLength(name) + lengthOf(headers[name]);
  }
  return bytes;
}

function lengthOf(part: KafkaRecord["headers"][string] | null): number {
  if (part === undefined || part === null) return 0;
  return Array.isArray(part) ? 0 : Buffer.byteLength(part);
}

function unsendable(error: unknown): unknown {
  const { code, message } = error as KafkaError;
  return code === undefined
    ? error
    : new KafkaError(code, message, { permanent: true, cause: error });
}
