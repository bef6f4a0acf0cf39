import kafkajs from "kafkajs";
import { kafkaDestination } from "../../destination/kafka.js";
import { kafkaSource } from "../../source/kafka/source.js";
import type { DestinationConfig } from "../schema/destinations.js";
import type { SourceConfig } from "../schema/sources.js";
import type { Kind } from "./kind.js";

type Cluster = Extract<DestinationConfig | SourceConfig, { kind: "kafka" }>;

const prefixed = (prefix: string) => (name: string) => `${prefix}${name}`;

export const kind: Kind<"kafka"> = {
  destination(config, { clients }) {
    const { topicPrefix, acks, maxRequestBytes } = config;
    const producer = clients.shared(
      { kind: "kafka", ...settingsOf(config) },
      () => clientOf(config).producer({ allowAutoTopicCreation: false }),
      (made) => made.disconnect(),
    );
    return kafkaDestination({ producer, topicOf: prefixed(topicPrefix), acks, maxRequestBytes });
  },
  source(config) {
    const { topicPrefix, retryPrefix, failPrefix, groupPrefix, createTopics } = config;
    const { maxWorkers, maxHeld, findTopicsMs, retryTopics } = config;
    return kafkaSource({
      kafka: clientOf(config),
      topicOf: prefixed(topicPrefix),
      retryTopicOf: prefixed(retryPrefix),
      failTopicOf: prefixed(failPrefix),
      groupIdOf: prefixed(groupPrefix),
      ...(createTopics && { createTopics }),
      ...{ maxWorkers, maxHeld, findTopicsMs, retryTopics },
    });
  },
  async check(config, timeoutMs) {
    const admin = clientOf(config, timeoutMs).admin();
    try {
      await admin.connect();
      await admin.listTopics();
      return true;
    } finally {
      await admin.disconnect();
    }
  },
};

/** What a client is made of. */
function settingsOf({ brokers, clientId, ssl, sasl }: Cluster) {
  return { brokers, clientId, ssl, ...(sasl && { sasl: sasl as unknown as kafkajs.SASLOptions }) };
}

/** With a time limit it tries once. */
function clientOf(config: Cluster, timeoutMs?: number): kafkajs.Kafka {
  const limits = timeoutMs && {
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  };
  return new kafkajs.Kafka({ logLevel: kafkajs.logLevel.ERROR, ...settingsOf(config), ...limits });
}
