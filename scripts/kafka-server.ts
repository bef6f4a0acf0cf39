import { dockerAnswers } from "./docker.js";
import { startKafkaBinaries } from "./kafka-binaries.js";
import { startKafkaContainer } from "./kafka-container.js";
import { installKafka } from "./kafka-install.js";
import type { KafkaServer } from "./server.js";

/** Nobody kills it, so that a heartbeat that is late says only that the machine is busy. */
const PATIENT = ["broker.session.timeout.ms=60000"];

/**
 * A broker to work with: that at `KAFKA_BROKERS`; else a container, if a Docker engine answers; else one from Maven's
 * artifacts. One of ours never outlives this process, however that ends.
 */
export async function startKafka(): Promise<KafkaServer> {
  const { KAFKA_BROKERS: brokers } = process.env;
  const server = brokers
    ? { brokers, kind: "the broker at KAFKA_BROKERS", stop: async () => {} }
    : ((await startKafkaContainer()) ?? (await startKafkaBinaries({ settings: PATIENT })));
  console.log(`Kafka: ${server.kind}`);
  return server;
}

/** Why there can be no broker here; undefined if there can. */
export async function whyNoKafka(): Promise<string | undefined> {
  if (process.env.KAFKA_BROKERS || (await dockerAnswers())) return undefined;
  return whyNoOwnKafka();
}

/** Why there can be no broker that a test stops and starts. */
export async function whyNoOwnKafka(): Promise<string | undefined> {
  try {
    await installKafka();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
