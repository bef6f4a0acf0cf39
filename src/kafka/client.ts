/*
 * The least that we use of a client in the manner of KafkaJS. Both `kafkajs` and the KafkaJS-compatible half of
 * `@confluentinc/kafka-javascript` fit; a member that only one of them has is optional.
 */

export type KafkaHeaderValue = Buffer | string;

export type KafkaHeaders = Record<string, KafkaHeaderValue | KafkaHeaderValue[] | undefined>;

/** What a producer sends. */
export interface KafkaRecord {
  key: Buffer | string | null;
  value: Buffer | string | null;
  headers: KafkaHeaders;
  /** Without one, the client's partitioner decides by the key. */
  partition?: number;
}

/** What a consumer gets. */
export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Missing on records of Kafka before 0.11. */
  readonly headers?: KafkaHeaders | undefined;
  /** A decimal number. */
  readonly offset: string;
  /** When it was sent, or appended if the topic says so: milliseconds since 1970, as a decimal number. */
  readonly timestamp: string;
}

export interface KafkaProducer {
  connect(): Promise<void>;
  /** `acks` is for `kafkajs` alone; the other client has it among the producer's own options. */
  send(batch: { topic: string; messages: KafkaRecord[]; acks?: number }): Promise<unknown>;
}

/** One that we have made, and so disconnect. */
export interface OwnKafkaProducer extends KafkaProducer {
  disconnect(): Promise<void>;
}

export interface KafkaBatch {
  readonly topic: string;
  readonly partition: number;
  /** The offset that the partition's next record will have. */
  readonly highWatermark: string;
  readonly messages: KafkaMessage[];
}

export interface EachBatchPayload {
  readonly batch: KafkaBatch;
  /** Marks all records up to this offset as done, for the client's own commits. */
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  isRunning(): boolean;
  /** After a seek or a rebalance: what is left of the batch is not to be handled. */
  isStale(): boolean;
}

export interface KafkaRunOptions {
  /** For `kafkajs` alone, as all of these but `eachBatch` and `partitionsConsumedConcurrently`. */
  autoCommit?: boolean;
  eachBatchAutoResolve?: boolean;
  partitionsConsumedConcurrently?: number;
  eachBatch: (payload: EachBatchPayload) => Promise<void>;
}

export interface TopicPartitions {
  topic: string;
  /** Missing: all that are assigned. */
  partitions?: number[];
}

export interface TopicPartitionOffset {
  topic: string;
  partition: number;
  /** Of the next record that is to be read. */
  offset: string;
  /** A text that the group keeps with it. */
  metadata?: string | null;
}

/** What `consumer.crash` tells. With `restart`, the client joins again by itself. */
export interface KafkaCrash {
  readonly payload: { readonly error: Error; readonly restart: boolean };
}

/** What `consumer.group_join` tells: the partitions of each topic that this member has from now on. */
export interface KafkaGroupJoin {
  readonly payload: { readonly memberAssignment: Readonly<Record<string, number[]>> };
}

export interface KafkaConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** `fromBeginning` is for `kafkajs` alone. */
  subscribe(subscription: { topics: string[]; fromBeginning?: boolean }): Promise<void>;
  run(options: KafkaRunOptions): Promise<void>;
  pause(topics: TopicPartitions[]): void;
  resume(topics: TopicPartitions[]): void;
  seek(position: TopicPartitionOffset): void;
  commitOffsets(positions: TopicPartitionOffset[]): Promise<void>;
  /** `kafkajs` alone. */
  on?(event: "consumer.crash", listener: (event: KafkaCrash) => void): unknown;
  on?(event: "consumer.group_join", listener: (event: KafkaGroupJoin) => void): unknown;
  on?(event: "consumer.rebalancing" | "consumer.heartbeat", listener: () => void): unknown;
  /** `@confluentinc/kafka-javascript` alone. */
  assignment?(): { topic: string; partition: number }[];
}

export interface TopicSettings {
  topic: string;
  /** Missing: as the broker has it by default. */
  numPartitions?: number;
  replicationFactor?: number;
  configEntries?: { name: string; value: string }[];
}

export interface PartitionOffset {
  partition: number;
  offset: string;
  /** What was committed with it. */
  metadata?: string | null;
}

export interface KafkaAdmin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /** False if a topic was there already. */
  createTopics(options: { topics: TopicSettings[]; waitForLeaders?: boolean }): Promise<boolean>;
  /** What it resolves with differs between the clients. */
  fetchTopicMetadata(options: { topics: string[] }): Promise<unknown>;
  /** `low` is the first offset that is there, `high` that of the next record. */
  fetchTopicOffsets(topic: string): Promise<(PartitionOffset & { high: string; low: string })[]>;
  /** The first offset whose record is not older than `timestamp`, in ms since 1970. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<PartitionOffset[]>;
  /** What the group has committed; -1 where it has nothing. */
  fetchOffsets(options: {
    groupId: string;
    topics?: string[];
  }): Promise<{ topic: string; partitions: PartitionOffset[] }[]>;
  /** `kafkajs` alone. The group must have no member. */
  setOffsets?(options: {
    groupId: string;
    topic: string;
    partitions: PartitionOffset[];
  }): Promise<void>;
}

/** A member of a group, as an assigner gets it. */
export interface KafkaGroupMember {
  readonly memberId: string;
  readonly memberMetadata: Buffer;
}

/** What an assigner is given of the client. `kafkajs` alone. */
export interface KafkaCluster {
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
}

/** `kafkajs` alone. */
export type KafkaAssigner = (client: { cluster: KafkaCluster }) => {
  name: string;
  version: number;
  assign(group: {
    members: KafkaGroupMember[];
    topics: string[];
  }): Promise<{ memberId: string; memberAssignment: Buffer }[]>;
  protocol(subscription: { topics: string[] }): { name: string; metadata: Buffer };
};

/** Options of a consumer, as `kafkajs` has them; each has its default there. */
export interface KafkaConsumerConfig {
  groupId: string;
  /** Milliseconds without a heartbeat after which the group gives the member's partitions to others. */
  sessionTimeout?: number;
  /** Milliseconds; a third of the session timeout or less. */
  heartbeatInterval?: number;
  /** Milliseconds that members have to join again in a rebalance. */
  rebalanceTimeout?: number;
  /** Milliseconds that a fetch waits for records. */
  maxWaitTimeInMs?: number;
  /** Bytes of one fetch of one partition. */
  maxBytesPerPartition?: number;
  maxBytes?: number;
  minBytes?: number;
  rackId?: string;
  metadataMaxAge?: number;
  readUncommitted?: boolean;
  allowAutoTopicCreation?: boolean;
  partitionAssigners?: KafkaAssigner[];
  retry?: { retries?: number; restartOnFailure?: (error: Error) => Promise<boolean> };
}

/** A client: `new Kafka({ brokers })` of `kafkajs`. */
export interface KafkaClient {
  consumer(config: KafkaConsumerConfig): KafkaConsumer;
  producer(config?: { allowAutoTopicCreation?: boolean }): OwnKafkaProducer;
  admin(config?: { retry?: { retries?: number } }): KafkaAdmin;
}
