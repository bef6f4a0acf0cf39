/** Kafka: needs a client in the manner of KafkaJS, which is yours. */
export type {
  EachBatchPayload,
  KafkaAdmin,
  KafkaBatch,
  KafkaConsumer,
  KafkaCrash,
  KafkaGroupJoin,
  KafkaHeaders,
  KafkaHeaderValue,
  KafkaMessage,
  KafkaProducer,
  KafkaRecord,
  KafkaRunOptions,
  PartitionOffset,
  TopicPartitionOffset,
  TopicPartitions,
  TopicSettings,
} from "./kafka/client.js";
export type { ForeignDecoder, ForeignRecord } from "./kafka/foreign.js";
export type { TopicOf } from "./kafka/topics.js";
