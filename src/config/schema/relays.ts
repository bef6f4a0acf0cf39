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
  timeoutMs: milliseconds(1)
    .default(30_000)
    .describe("How long one call of the destination may take, in ms."),
});

export type RelayConfig = z.output<typeof relay>;
