import { createRequire } from "node:module";
import type { ConfluentKafka } from "../../src/kafka/confluent/client.js";
import { kafkaBrokers } from "./kafka.js";

interface Confluent {
  readonly KafkaJS: { readonly Kafka: new (config: object) => ConfluentKafka };
}

const FOLDER = new URL("../../.cache/confluent-client/", import.meta.url);

/** The client, if it is installed; undefined, with the reason printed, if not. */
export function findConfluent(): Confluent["KafkaJS"]["Kafka"] | undefined {
  try {
    const client: Confluent = createRequire(FOLDER)("@confluentinc/kafka-javascript");
    return client.KafkaJS.Kafka;
  } catch (error) {
    const [reason] = String(error).split("\n");
    console.warn(
      `Left out: tests with @confluentinc/kafka-javascript (scripts/confluent-client): ${reason}`,
    );
    return undefined;
  }
}

/** A client of the run's broker that says nothing. */
export function confluentClient(Kafka: Confluent["KafkaJS"]["Kafka"]): ConfluentKafka {
  return new Kafka({ kafkaJS: { brokers: kafkaBrokers(), logLevel: 0 } });
}
