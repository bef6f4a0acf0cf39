import { z } from "zod";
import { count, milliseconds, reference } from "./values.js";

const destinations = z
  .array(reference)
  .min(1)
  .describe("The names of the destinations, each of which gets every message.");

const timeoutMs = milliseconds(1)
  .default(30_000)
  .describe("How long one call of a destination may take, in ms.");

const sync = z.strictObject({
  bridge: z.literal("sync").describe("A publish resolves once every destination has the messages."),
  destinations,
  timeoutMs,
});

const async = z.strictObject({
  bridge: z
    .literal("async")
    .describe("A publish resolves once the messages are in a buffer of this process."),
  destinations,
  maxAttempts: count
    .default(10)
    .describe("Attempts in all, before a message is given up for a destination."),
  waitMs: milliseconds(0)
    .default(200)
    .describe("The wait before the first retry, in ms; it doubles with each, up to 30 s."),
  maxBuffered: count
    .default(10_000)
    .describe("How many messages one destination may have before it."),
  whenFull: z
    .enum(["wait", "reject"])
    .default("wait")
    .describe("What a publish does while a buffer has no room."),
  timeoutMs,
});

export const publisher = z.discriminatedUnion("bridge", [sync, async]);

export type PublisherConfig = z.output<typeof publisher>;
