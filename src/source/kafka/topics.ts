import type { KafkaAdmin } from "../../kafka/client.js";
import { settledLeaders } from "../../kafka/settled-leaders.js";
import { failTopicOf, retryTopicOf, type TopicOf, toKafkaTopic } from "../../kafka/topics.js";
import { EventsError } from "../../message/errors.js";
import type { Subscription } from "../source.js";

/** How topics are made that are not there. */
export interface CreateTopics {
  /** Default: as the broker has it. */
  readonly numPartitions?: number;
  /** Default: as the broker has it. */
  readonly replicationFactor?: number;
}

export interface TopicNames {
  /** The Kafka topic of a message's topic. Default: the same name. */
  readonly topicOf?: TopicOf;
  /** Where messages of a Kafka topic wait for their next attempt. Default `retry-` before its name. */
  readonly retryTopicOf?: TopicOf;
  /** Where messages of a Kafka topic are that were given up. Default `fail-` before its name. */
  readonly failTopicOf?: TopicOf;
}

export interface TopicsOptions extends TopicNames {
  readonly admin: KafkaAdmin;
  /** False if nothing waits in a topic. */
  readonly retryTopics: boolean;
  readonly createTopics: CreateTopics | undefined;
  /** Whether a queue that reads all topics reads this one. */
  readonly isOfAll: (kafkaTopic: string) => boolean;
}

/** Knows Kafka's topics, and which of them a queue reads. */
export class Topics {
  readonly #options: TopicsOptions;
  readonly retryOf: TopicOf;
  readonly failOf: TopicOf;

  constructor(options: TopicsOptions) {
    this.#options = options;
    this.retryOf = options.retryTopicOf ?? retryTopicOf;
    this.failOf = options.failTopicOf ?? failTopicOf;
  }

  /** Those that subscriptions name. */
  named(subscriptions: readonly Subscription[]): string[] {
    const named = subscriptions.filter(({ topic }) => topic !== "*");
    return unique(named.map(({ topic }) => toKafkaTopic(topic, this.#options.topicOf)));
  }

  /** Those that subscriptions name, and all others there are if one of them is for all. */
  async of(subscriptions: readonly Subscription[]): Promise<string[]> {
    const named = this.named(subscriptions);
    if (!subscriptions.some(({ topic }) => topic === "*")) return named;
    return unique([...named, ...(await this.#all())]).sort();
  }

  /** What a queue needs beside the topics that it reads. */
  beside(topics: readonly string[]): string[] {
    const retry = this.#options.retryTopics ? topics.map(this.retryOf) : [];
    return unique([...retry, ...topics.map(this.failOf)]);
  }

  /** The partitions of those that are there. Creates the others, if it may; rejects with `UNKNOWN_TOPIC` otherwise. */
  async ensure(topics: readonly string[]): Promise<void> {
    const { admin, createTopics } = this.#options;
    const there = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !there.has(topic));
    if (missing.length === 0) return;
    if (!createTopics) throw missingTopics(missing);
    const fails = new Set(topics.map(this.failOf));
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map((topic) => ({
        topic,
        ...createTopics,
        ...(fails.has(topic) && { configEntries: [{ name: "retention.ms", value: "-1" }] }),
      })),
    });
    await settledLeaders(() => admin.fetchTopicMetadata({ topics: missing }));
  }

  async #all(): Promise<string[]> {
    const there = await this.#options.admin.listTopics();
    const ours = new Set(there.flatMap((topic) => [this.retryOf(topic), this.failOf(topic)]));
    return there.filter(
      (topic) => !topic.startsWith("__") && !ours.has(topic) && this.#options.isOfAll(topic),
    );
  }
}

function unique(topics: readonly string[]): string[] {
  return [...new Set(topics)];
}

function missingTopics(topics: readonly string[]): EventsError {
  const text = `Kafka has no topic ${topics.join(", ")}.`;
  return new EventsError(
    "UNKNOWN_TOPIC",
    `${text} Create it, or give the source createTopics; retryTopics: false does without retry topics.`,
  );
}
