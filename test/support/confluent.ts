import { createRequire } from "node:module";
import type { OwnKafkaProducer } from "../../src/kafka/client.js";

/** The part of @confluentinc/kafka-javascript that is in the manner of KafkaJS, as far as tests use it. */
interface ConfluentKafka {
  producer(config: object): OwnKafkaProducer;
}

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
