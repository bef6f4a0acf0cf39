import type { Kafka } from "kafkajs";
import { kafkaDestination } from "../../../src/destination/kafka.js";
import { toRecord } from "../../../src/kafka/record.js";
import type { Message } from "../../../src/message/message.js";
import { kafkaDeadLetters } from "../../../src/operations/kafka-dead-letters.js";
import type { KafkaSourceOptions } from "../../../src/source/kafka/options.js";
import { createTopics, kafkaClient, uniqueName } from "../../support/kafka.js";

const { signal } = new AbortController();
/** A message of some megabytes fits. */
const LARGE = [{ name: "max.message.bytes", value: "10000000" }];

interface PlaceOptions {
  readonly numPartitions?: number;
  readonly kafka?: Kafka;
  /** The client of its sources, and of its dead letters. Default: the same. */
  readonly sourceKafka?: KafkaSourceOptions["kafka"];
}

/** Topics of its own, and a publisher to them. */
export async function kafkaPlace(
  topics: readonly string[],
  { numPartitions = 1, kafka = kafkaClient(), sourceKafka = kafka }: PlaceOptions = {},
) {
  const prefix = uniqueName();
  const topicOf = (topic: string) => `${prefix}.${topic}`;
  const own = topics.map(topicOf);
  const all = own.flatMap((topic) => [topic, `retry-${topic}`, `fail-${topic}`]);
  await createTopics(...all.map((topic) => ({ topic, numPartitions, configEntries: LARGE })));
  const producer = kafka.producer();
  await producer.connect();
  const options = {
    kafka: sourceKafka,
    topicOf,
    isOfAll: (topic) => topic.startsWith(`${prefix}.`),
    groupIdOf: (queue) => `${prefix}-${queue}`,
  } satisfies KafkaSourceOptions;
  const destination = kafkaDestination({ producer, topicOf });
  const deadLetters = kafkaDeadLetters({ kafka: sourceKafka, topics: own });
  return {
    options,
    kafka,
    producer,
    topicOf,
    deadLetters,
    async publish(messages: readonly Message[]): Promise<void> {
      await destination.deliver(messages, { signal });
    },
    /** Into a partition, whatever the key says. */
    async publishTo(partition: number, messages: readonly Message[]): Promise<void> {
      for (const message of messages) {
        const record = { ...toRecord(message), partition };
        await producer.send({ topic: topicOf(message.topic), messages: [record] });
      }
    },
    async dead() {
      const { letters } = await deadLetters.list({}, { limit: 1_000 });
      return letters.map(({ message, reason }) => ({ id: message.id, reason: reason.message }));
    },
    async close(): Promise<void> {
      await producer.disconnect();
    },
  };
}
