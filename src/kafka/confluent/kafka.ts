import type { KafkaClient, OwnKafkaProducer } from "../client.js";
import { KafkaError } from "../kafka-error.js";
import { adminOf } from "./admin.js";
import type { ConfluentKafka, ConfluentProducer } from "./client.js";
import { consumerOf } from "./consumer.js";

/** The client as `kafkajs` has it, whichever it is. */
export function asKafkaJs(kafka: KafkaClient | ConfluentKafka): KafkaClient {
  if (!isConfluent(kafka)) return kafka;
  return {
    consumer: (config) => consumerOf(kafka, config),
    producer: (config) => producerOf(kafka, config),
    admin: () => adminOf(kafka.admin()),
  };
}

/** A producer is nothing more than an object until it is connected. */
function isConfluent(kafka: KafkaClient | ConfluentKafka): kafka is ConfluentKafka {
  return "dependentAdmin" in kafka.producer();
}

/** One that has failed to connect can't try again: each try has its own. */
function producerOf(kafka: ConfluentKafka, config: object = {}): OwnKafkaProducer {
  let producer: ConfluentProducer | undefined;
  let isOver = false;
  return {
    async connect() {
      const made = kafka.producer({ kafkaJS: { ...config, acks: -1 } });
      await made.connect();
      if (isOver) await made.disconnect();
      else producer = made;
    },
    async send({ topic, messages }) {
      if (!producer) throw new KafkaError("KAFKA_FAILED", "The producer is not connected.", {});
      return producer.send({ topic, messages });
    },
    async disconnect() {
      isOver = true;
      await producer?.disconnect();
    },
  };
}
