import { dockerAnswers } from "./docker.js";
import { freePort } from "./free-port.js";
import { KAFKA_VERSION } from "./kafka-install.js";
import { untilReady } from "./kafka-ready.js";
import type { KafkaServer } from "./server.js";

const IMAGE = `apache/kafka:${KAFKA_VERSION}`;

/** A broker in a container, or nothing if there is no Docker engine that can run it. */
export async function startKafkaContainer(): Promise<KafkaServer | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    return await runContainer();
  } catch (error) {
    console.warn(`Kafka: Docker answers, but can't run ${IMAGE} (${String(error)})`);
    return undefined;
  }
}

async function runContainer(): Promise<KafkaServer> {
  const { GenericContainer } = await import("testcontainers");
  const port = await freePort();
  const brokers = `127.0.0.1:${port}`;
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_PROCESS_ROLES: "broker,controller",
      KAFKA_NODE_ID: "1",
      KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
      KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://:9093",
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${brokers}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: "500",
    })
    .start();
  await untilReady(brokers);
  const stop = async () => {
    await container.stop();
  };
  return { brokers, kind: `${IMAGE} in Docker, on ${brokers}`, stop };
}
