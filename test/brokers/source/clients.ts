import type { KafkaSourceOptions } from "../../../src/source/kafka/options.js";
import { confluentClient, findConfluent } from "../../support/confluent.js";
import { kafkaClient } from "../../support/kafka.js";

export interface Client {
  readonly client: string;
  readonly kafka: () => KafkaSourceOptions["kafka"];
}

const Confluent = findConfluent();
const kafkajs: Client = { client: "kafkajs", kafka: () => kafkaClient() };
const others = Confluent && {
  client: "@confluentinc/kafka-javascript",
  kafka: () => confluentClient(Confluent),
};

/** The clients that a source is tested with: `kafkajs`, and the other one where it is installed. */
export const clients: readonly Client[] = others ? [kafkajs, others] : [kafkajs];
