import { z } from "zod";

/** How a Kafka cluster is reached, by `kafkajs`. Those who agree on these share a client. */
export const cluster = {
  brokers: z.array(z.string().min(1)).min(1).describe("Some of the brokers, as host:port."),
  clientId: z
    .string()
    .min(1)
    .default("opinionated-events")
    .describe("Names this client to the brokers."),
  ssl: z
    .union([z.boolean(), z.record(z.string(), z.unknown())])
    .default(false)
    .describe("true, or the options of a TLS connection."),
  sasl: z
    .looseObject({ mechanism: z.string() })
    .optional()
    .describe("How the client says who it is, with { mechanism, username, password }."),
  topicPrefix: z
    .string()
    .default("")
    .describe("Stands before a message's topic in the name of its Kafka topic."),
};
