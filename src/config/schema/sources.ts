import { z } from "zod";
import { cluster } from "./kafka.js";
import { address, connection } from "./postgres.js";
import { count, milliseconds, reference } from "./values.js";

const maxWorkers = count.default(10).describe("Handlers that run at once in this process.");

const postgres = z.strictObject({
  kind: z.literal("postgres").describe("Reads queues of a PostgreSQL schema."),
  ...connection,
  notify: z
    .boolean()
    .default(true)
    .describe("Listens for publishes on a connection of its own; without, the interval alone."),
  listenConnectionString: address
    .optional()
    .describe("The database for that connection, past a pooler. Without: connectionString."),
  intervalMs: milliseconds(1).default(1_000).describe("Looks for work so often, in ms."),
  maxWorkers,
  leaseMs: z
    .int()
    .min(3_000)
    .default(30_000)
    .describe("How long work stays with a process that is not heard of, in ms."),
  preparedStatements: z
    .boolean()
    .default(false)
    .describe("Reads by prepared statements: faster, where no pooler loses their names."),
});

const http = z.strictObject({
  kind: z.literal("http").describe("Receives what an HTTP destination posts."),
  maxWorkers,
  maxBodyBytes: count.default(10_485_760).describe("A longer request is refused, in bytes."),
  bodyTimeoutMs: milliseconds(1)
    .default(30_000)
    .describe("A request whose body takes longer to arrive is refused, in ms."),
  remember: z
    .int()
    .min(0)
    .default(10_000)
    .describe("Finished messages of each queue that are kept in mind, so that none runs again."),
});

const memory = z.strictObject({
  kind: z.literal("memory").describe("Reads a memory destination of this process, for tests."),
  destination: reference.describe("The name of that destination."),
  maxWorkers,
});

const kafka = z.strictObject({
  kind: z.literal("kafka").describe("Reads Kafka: a queue is a consumer group."),
  ...cluster,
  retryTopics: z
    .boolean()
    .default(true)
    .describe("What failed waits in retry topics; without, in memory."),
  retryPrefix: z
    .string()
    .default("retry-")
    .describe("Stands before a topic in the name of its retry topic."),
  failPrefix: z
    .string()
    .default("fail-")
    .describe("Stands before a topic in the name of its fail topic."),
  groupPrefix: z
    .string()
    .default("")
    .describe("Stands before a queue in the name of its consumer group."),
  createTopics: z
    .strictObject({
      numPartitions: count.exactOptional(),
      replicationFactor: count.exactOptional(),
    })
    .optional()
    .describe(
      "Creates missing topics, with { numPartitions, replicationFactor }. Without, one that is missing is an error.",
    ),
  maxWorkers,
  maxHeld: count.default(1_000).describe("Records that a queue holds at the most in this process."),
  findTopicsMs: milliseconds(1)
    .default(30_000)
    .describe("How often the pattern * looks for new topics, in ms."),
});

export const source = z.discriminatedUnion("kind", [postgres, http, memory, kafka]);

export type SourceConfig = z.output<typeof source>;
