import { Kafka, logLevel } from "kafkajs";

/** The broker, and what begins the names of all topics and groups of this run. */
export interface Place {
  readonly brokers: string;
  readonly prefix: string;
}

/** Errors of the client are told by the library, too. */
export function clientOf({ brokers }: Place): Kafka {
  return new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
}

/** The topics of messages have a prefix in Kafka, so that a broker can be shared. */
export const topicOf =
  ({ prefix }: Place) =>
  (topic: string) =>
    `${prefix}.${topic}`;
