/** Kafka: needs a client in the manner of KafkaJS, which is yours. */
export { type KafkaDestinationOptions, kafkaDestination } from "./destination/kafka.js";
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
export { KafkaError, type KafkaErrorDetails } from "./kafka/kafka-error.js";
export type { TopicOf } from "./kafka/topics.js";
