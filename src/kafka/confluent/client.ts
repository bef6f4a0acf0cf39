import type {
  EachBatchPayload,
  KafkaAdmin,
  KafkaProducer,
  KafkaRecord,
  PartitionOffset,
  TopicPartitionOffset,
  TopicPartitions,
  TopicSettings,
} from "../client.js";

/*
 * The least that we use of the KafkaJS-compatible half of `@confluentinc/kafka-javascript`, where it is not as `kafkajs` is.
 */

export interface ConfluentPlace {
  topic: string;
  partition: number;
  offset?: number;
}

/** What its `rebalance_cb` may do. The client goes on once the promise is resolved. */
export interface ConfluentAssign {
  assign(assignment: ConfluentPlace[]): void;
}

export type ConfluentRebalance = (
  event: { readonly code: number },
  assignment: ConfluentPlace[],
  fns: ConfluentAssign,
) => Promise<void>;

export interface ConfluentConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: { topics: string[] }): Promise<void>;
  run(options: {
    eachBatchAutoResolve?: boolean;
    eachBatch: (payload: EachBatchPayload) => Promise<void>;
  }): Promise<void>;
  pause(topics: TopicPartitions[]): void;
  resume(topics: TopicPartitions[]): void;
  seek(position: TopicPartitionOffset): void;
  commitOffsets(positions: TopicPartitionOffset[]): Promise<void>;
}

export interface ConfluentProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(batch: { topic: string; messages: KafkaRecord[] }): ReturnType<KafkaProducer["send"]>;
  /** What no client but this one has. */
  dependentAdmin(): unknown;
}

export interface ConfluentAdmin
  extends Pick<
    KafkaAdmin,
    "connect" | "disconnect" | "listTopics" | "fetchTopicOffsets" | "fetchTopicOffsetsByTimestamp"
  > {
  createTopics(options: { topics: TopicSettings[] }): Promise<boolean>;
  fetchTopicMetadata(options: {
    topics: string[];
  }): Promise<{ name: string; partitions: { partitionId: number }[] }[]>;
  /** Given topics without partitions, it leaves out where nothing is committed. */
  fetchOffsets(options: {
    groupId: string;
    topics: { topic: string; partitions: number[] }[];
    /** Milliseconds. */
    timeout: number;
  }): Promise<{ topic: string; partitions: (PartitionOffset & { error?: unknown })[] }[]>;
}

/** A client: `new KafkaJS.Kafka({ kafkaJS: { brokers } })` of `@confluentinc/kafka-javascript`. */
export interface ConfluentKafka {
  consumer(config: { kafkaJS?: object }): ConfluentConsumer;
  producer(config?: { kafkaJS?: object }): ConfluentProducer;
  admin(): ConfluentAdmin;
}
