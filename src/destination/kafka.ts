import type { KafkaProducer } from "../kafka/client.js";
import { type KafkaError, toKafkaError } from "../kafka/kafka-error.js";
import type { TopicOf } from "../kafka/topics.js";
import { EventsError } from "../message/errors.js";
import { assertInteger, assertOptions } from "../message/options.js";
import type { DeliverResult, Destination } from "./destination.js";
import { connector } from "./kafka-connect.js";
import { type Item, toItems, toRequests } from "./kafka-requests.js";
import { unlessAborted } from "./unless-aborted.js";

export interface KafkaDestinationOptions {
  /** Yours, of `kafkajs` or `@confluentinc/kafka-javascript`. It is connected with the first batch; you disconnect it. */
  readonly producer: KafkaProducer;
  /** Which Kafka topic holds the messages of a topic. Default: that of the same name. */
  readonly topicOf?: TopicOf;
  /**
   * Who has to have a record before it counts: all replicas in sync (-1), or the leader alone (1). Default: as the client
   * has it, which is all. For `kafkajs`; the other client has it among the producer's options.
   */
  readonly acks?: -1 | 1;
  /** The most bytes of one request; a larger message goes alone. Default 1,000,000, which a broker takes by default. */
  readonly maxRequestBytes?: number;
  /** Names it in errors and logs. Default `kafka`. */
  readonly name?: string;
}

const OPTIONS = ["producer", "topicOf", "acks", "maxRequestBytes", "name"];

/**
 * Writes messages to Kafka: the key decides the partition, and headers are headers (docs/brokers/kafka.md). Keeps the order
 * within a partition, and so of each key. What fails is a `KafkaError`. One that is `permanent`, for a message that is too
 * large or has no place in Kafka, leaves its neighbours alone; else what follows it in its topic is not sent.
 *
 * @throws EventsError `INVALID_OPTIONS`
 * @example await relay({ from: postgresSource({ pool }), to: kafkaDestination({ producer }), queue: "to-kafka", names: ["*"] });
 */
export function kafkaDestination(options: KafkaDestinationOptions): Destination {
  assertOptions(options, OPTIONS, "kafkaDestination");
  const { producer, topicOf, acks, maxRequestBytes = 1_000_000, name = "kafka" } = options;
  assertProducer(producer);
  assertAcks(acks);
  assertInteger("kafkaDestination's maxRequestBytes", maxRequestBytes, 1);
  const connect = connector(producer);
  // @confluentinc/kafka-javascript refuses acks here, even undefined.
  const settings = acks === undefined ? {} : { acks };

  /** The error if it failed. */
  async function send(topic: string, items: readonly Item[], signal: AbortSignal) {
    signal.throwIfAborted();
    try {
      const messages = items.map(({ record }) => record);
      await unlessAborted(signal, producer.send({ topic, messages, ...settings }));
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return toKafkaError(`A send to Kafka's topic ${topic}`, error);
    }
  }

  async function sendAll(topic: string, items: readonly Item[], { results, signal }: Run) {
    const settle = (some: readonly Item[], result: DeliverResult) => {
      for (const { index } of some) results[index] = result;
    };
    const requests = toRequests(items, maxRequestBytes);
    for (let request = requests.shift(); request; request = requests.shift()) {
      const error = await send(topic, request, signal);
      if (!error) settle(request, { status: "accepted" });
      else if (!error.permanent)
        return settle([request, ...requests].flat(), { status: "failed", error });
      else if (request.length === 1) settle(request, { status: "failed", error });
      else requests.unshift(...halves(request));
    }
  }

  return {
    name,
    capabilities: { ordered: true, maxBatch: 1_000 },
    async deliver(batch, { signal }) {
      await unlessAborted(signal, connect());
      const results: DeliverResult[] = [];
      const topics = [...toItems(batch, topicOf, results)];
      const run = { results, signal };
      await Promise.all(topics.map(([topic, items]) => sendAll(topic, items, run)));
      // While kafkajs looks for one topic that is missing, its sends to others fail with it: each alone, once more.
      for (const [topic, items] of topics.length > 1 ? topics : []) {
        await sendAll(
          topic,
          items.filter(({ index }) => isUnknownTopic(results[index])),
          run,
        );
      }
      return unlessAllFailedAlike(results);
    },
  };
}

function isUnknownTopic(result: DeliverResult | undefined): boolean {
  return result?.status === "failed" && (result.error as KafkaError).code === "UNKNOWN_TOPIC";
}

interface Run {
  /** By the index of the message. */
  readonly results: DeliverResult[];
  readonly signal: AbortSignal;
}

function halves(items: readonly Item[]): [Item[], Item[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

function unlessAllFailedAlike(results: readonly DeliverResult[]): readonly DeliverResult[] {
  const [first] = results;
  if (first?.status !== "failed") return results;
  const isAlike = (result: DeliverResult) => "error" in result && result.error === first.error;
  if (results.every(isAlike)) throw first.error;
  return results;
}

function assertProducer(producer: Partial<KafkaProducer> & { isIdempotent?(): boolean }): void {
  if (typeof producer?.connect !== "function" || typeof producer.send !== "function") {
    const text = "kafkaDestination's producer is no producer in the manner of KafkaJS";
    throw new EventsError("INVALID_OPTIONS", `${text}: give what kafka.producer() returns.`);
  }
  if (producer.isIdempotent?.() !== true) return;
  throw new EventsError(
    "INVALID_OPTIONS",
    "An idempotent producer of kafkajs loses records silently after a request that failed in part: leave " +
      "idempotent out, or take @confluentinc/kafka-javascript (docs/brokers/kafka.md says more).",
  );
}

function assertAcks(acks: unknown): void {
  if (acks === undefined || acks === -1 || acks === 1) return;
  const text = `kafkaDestination's acks is ${String(acks)}`;
  throw new EventsError(
    "INVALID_OPTIONS",
    `${text}; give -1 for all in sync, or 1 for the leader.`,
  );
}
