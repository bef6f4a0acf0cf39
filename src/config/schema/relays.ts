import { z } from "zod";
import { count, milliseconds, pattern, queue, reference } from "./values.js";

export const relay = z.strictObject({
  from: reference.describe("The name of the source."),
  to: reference.describe("The name of the destination."),
  queue: queue.describe("The queue of the source that says how far the relay has come."),
  names: z
    .array(pattern)
    .min(1)
    .default(["*"])
    .describe("The names of the messages, and patterns: user.*, *."),
  ordered: z.boolean().default(true).describe("The messages of a key arrive in the log's order."),
  startAt: z
    .union([z.enum(["now", "earliest"]), z.iso.datetime({ offset: true })])
    .default("now")
    .describe("Where a new queue begins: now, earliest, or a time such as 2026-01-01T00:00:00Z."),
  limit: count
    .default(20)
    .describe("Attempts of a message that fails while others are accepted, before it is dead."),
  retryMs: milliseconds(0)
    .default(1_000)
    .describe("The wait before the second of these attempts, doubled with each, in ms."),
  retryMaxMs: milliseconds(0).default(3_600_000).describe("The longest of these waits, in ms."),
  breakerFailures: count
    .default(5)
    .describe(
      "Failed calls in a row, after which only single messages are sent, until one is accepted.",
    ),
  breakerMs: milliseconds(0)
    .default(100)
    .describe("The wait after a failed call, doubled with each in a row, in ms."),
  breakerMaxMs: milliseconds(0).default(30_000).describe("The longest of these waits, in ms."),
  timeoutMs: milliseconds(1)
    .default(30_000)
    .describe("How long one call of the destination may take, in ms."),
});

export type RelayConfig = z.output<typeof relay>;
