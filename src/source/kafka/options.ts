import type { KafkaClient, KafkaConsumerConfig } from "../../kafka/client.js";
import type { ConfluentKafka } from "../../kafka/confluent/client.js";
import type { ForeignDecoder } from "../../kafka/foreign.js";
import { EventsError } from "../../message/errors.js";
import {
  assertBoolean,
  assertInteger,
  assertOptions,
  MAX_TIMER_MS,
} from "../../message/options.js";
import type { CreateTopics, TopicNames } from "./topics.js";

export interface KafkaSourceOptions extends TopicNames {
  /** The client: `new Kafka({ brokers })` of `kafkajs`, or that of `@confluentinc/kafka-javascript` in the manner of KafkaJS. */
  readonly kafka: KafkaClient | ConfluentKafka;
  /** Handlers that run at once, over all queues. Default 10. */
  readonly maxWorkers?: number;
  /**
   * Records that a queue holds at the most in this process, fetched and not finished, but for those of one fetch; as many
   * again that wait for a retry. Default 1,000.
   */
  readonly maxHeld?: number;
  /** The consumer group of a queue. Default: its name. */
  readonly groupIdOf?: (queue: string) => string;
  /** The group that reads the retries of a group. Default: its name and `-retry`. */
  readonly retryGroupIdOf?: (groupId: string) => string;
  /**
   * Whether what failed or isn't due waits in retry topics. Without them it waits in memory, and holds back what is committed:
   * after a crash, what came behind it comes again, with the attempts counted anew. Default true.
   */
  readonly retryTopics?: boolean;
  /** Creates the topics that are missing, also retry and fail topics. Default: a missing topic is an error. */
  readonly createTopics?: CreateTopics;
  /** Which topics the pattern `*` reads, beside those of no retries, no dead letters, and Kafka's own. Default: all. */
  readonly isOfAll?: (kafkaTopic: string) => boolean;
  /** How often the pattern `*` looks for new topics, in ms. Default 30,000. */
  readonly findTopicsMs?: number;
  /** Makes messages of records that others wrote. Without it, they are dead. */
  readonly decode?: ForeignDecoder;
  /** Options for the consumers: `sessionTimeout`, `maxBytesPerPartition` and so on, as the client has them. */
  readonly consumer?: Omit<Partial<KafkaConsumerConfig>, "groupId" | "allowAutoTopicCreation">;
}

const known: readonly (keyof KafkaSourceOptions)[] = [
  "kafka",
  "maxWorkers",
  "maxHeld",
  "groupIdOf",
  "retryGroupIdOf",
  "retryTopics",
  "createTopics",
  "isOfAll",
  "findTopicsMs",
  "decode",
  "consumer",
  "topicOf",
  "retryTopicOf",
  "failTopicOf",
];

export type Settings = ReturnType<typeof settingsOf>;

/** The options with their defaults. Throws `INVALID_OPTIONS`. */
export function settingsOf(options: KafkaSourceOptions) {
  assertOptions(options, known, "a Kafka source");
  const settings = {
    maxWorkers: 10,
    maxHeld: 1_000,
    groupIdOf: (queue: string) => queue,
    retryGroupIdOf: (groupId: string) => `${groupId}-retry`,
    retryTopics: true,
    isOfAll: () => true,
    findTopicsMs: 30_000,
    consumer: {},
    createTopics: undefined,
    decode: undefined,
    ...options,
  };
  assertInteger("maxWorkers", settings.maxWorkers, 1);
  assertInteger("maxHeld", settings.maxHeld, 1);
  assertInteger("findTopicsMs", settings.findTopicsMs, 1, MAX_TIMER_MS);
  assertBoolean("retryTopics", settings.retryTopics);
  if (typeof settings.kafka?.consumer === "function") return settings;
  throw new EventsError("INVALID_OPTIONS", "kafka is no client: give `new Kafka({ brokers })`.");
}
