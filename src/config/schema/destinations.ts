import { z } from "zod";
import { cluster } from "./kafka.js";
import { connection } from "./postgres.js";
import { count, milliseconds } from "./values.js";

const postgres = z.strictObject({
  kind: z.literal("postgres").describe("Stores messages in the outbox of a PostgreSQL schema."),
  ...connection,
  preparedStatements: z
    .boolean()
    .default(false)
    .describe("Publishes by prepared statements: faster, where no pooler loses their names."),
});

const http = z.strictObject({
  kind: z.literal("http").describe("Posts messages as JSON to a URL."),
  url: z.url({ protocol: /^https?$/ }).describe("Where messages are posted."),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe("Sent with every request, for instance to authenticate."),
  timeoutMs: milliseconds(1)
    .default(10_000)
    .describe("How long one request may take, the whole answer included, in ms."),
  maxBatch: count.default(100).describe("The most messages of one request."),
});

const memory = z.strictObject({
  kind: z.literal("memory").describe("Keeps messages in the memory of this process, for tests."),
});

const stdout = z.strictObject({
  kind: z.literal("stdout").describe("Writes each message as a line of JSON."),
});

const kafka = z.strictObject({
  kind: z.literal("kafka").describe("Writes messages to Kafka."),
  ...cluster,
  acks: z
    .union([z.literal(-1), z.literal(1)])
    .default(-1)
    .describe("Who has to have a record: all replicas in sync (-1), or the leader alone (1)."),
  maxRequestBytes: count.default(1_000_000).describe("The most bytes of one request."),
});

export const destination = z.discriminatedUnion("kind", [postgres, http, memory, stdout, kafka]);

export type DestinationConfig = z.output<typeof destination>;
