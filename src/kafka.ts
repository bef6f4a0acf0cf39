/** Kafka: needs a client in the manner of KafkaJS, which is yours. */
export { type KafkaDestinationOptions, kafkaDestination } from "./destination/kafka.js";
export type {
  EachBatchPayload,
  KafkaAdmin,
  KafkaAssigner,
  KafkaBatch,
  KafkaClient,
  KafkaCluster,
  KafkaConsumer,
  KafkaConsumerConfig,
  KafkaCrash,
  KafkaGroupJoin,
  KafkaGroupMember,
  KafkaHeaders,
  KafkaHeaderValue,
  KafkaMessage,
  KafkaProducer,
  KafkaRecord,
  KafkaRunOptions,
  OwnKafkaProducer,
  PartitionOffset,
  TopicPartitionOffset,
  TopicPartitions,
  TopicSettings,
} from "./kafka/client.js";
export type {
  ConfluentAdmin,
  ConfluentAssign,
  ConfluentConsumer,
  ConfluentKafka,
  ConfluentPlace,
  ConfluentProducer,
  ConfluentRebalance,
} from "./kafka/confluent/client.js";
export type { ForeignDecoder, ForeignRecord } from "./kafka/foreign.js";
export { KafkaError, type KafkaErrorDetails } from "./kafka/kafka-error.js";
export type { TopicOf } from "./kafka/topics.js";
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterPage,
  DeadLetters,
  FailedTry,
} from "./operations/dead-letters.js";
export { type KafkaDeadLettersOptions, kafkaDeadLetters } from "./operations/kafka-dead-letters.js";
export type { LongOptions, LongResult, Progress } from "./operations/long-operation.js";
export type { KafkaSourceOptions } from "./source/kafka/options.js";
export { kafkaSource } from "./source/kafka/source.js";
export type { CreateTopics, TopicNames } from "./source/kafka/topics.js";
