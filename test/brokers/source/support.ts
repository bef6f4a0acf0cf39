import { afterEach, expect, vi } from "vitest";
import { createMessage } from "../../../src/message/create-message.js";
import type { HandlerContext } from "../../../src/receiver/handler.js";
import { constantBackoff, withBackoff } from "../../../src/receiver/middleware/backoff.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { type Mark, parseMark } from "../../../src/source/kafka/mark.js";
import type { KafkaSourceOptions } from "../../../src/source/kafka/options.js";
import { kafkaSource } from "../../../src/source/kafka/source.js";
import type { Logger, QueueOptions } from "../../../src/source/source.js";
import { kafkaClient } from "../../support/kafka.js";
import { kafkaPlace } from "./place.js";

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const patience = { timeout: 25_000, interval: 20 };

/** Resolves once the condition holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await holds(), what).toBe(true), patience);
}

export type Place = Awaited<ReturnType<typeof kafkaPlace>>;

const receivers: Receiver[] = [];
const places: Place[] = [];

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop({ deadlineMs: 0 })));
  await Promise.all(places.splice(0).map((place) => place.close()));
});

/** Topics of its own until the test is over. */
export async function openPlace(
  numPartitions: number,
  topics: readonly string[] = ["thing"],
  sourceKafka: KafkaSourceOptions["kafka"] = kafkaClient(),
): Promise<Place> {
  const place = await kafkaPlace(topics, { numPartitions, sourceKafka });
  places.push(place);
  return place;
}

/** What handlers were given, and what the source has told. */
export interface Seen {
  readonly receiver: Receiver;
  readonly attempts: HandlerContext[];
  readonly errors: unknown[];
  /** The numbers of the messages, in the order of their attempts. */
  numbers(): number[];
}

interface Setup {
  readonly queue?: string;
  readonly pattern?: string;
  readonly options?: QueueOptions;
}

/** A receiver of a place that is stopped when the test is over; not started. */
export function receiverOf(
  source: KafkaSourceOptions,
  act: (context: HandlerContext) => unknown = () => {},
  { queue = "q", pattern = "thing.*", options = {} }: Setup = {},
): Seen {
  const attempts: HandlerContext[] = [];
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const receiver = new Receiver({ source: kafkaSource(source), logger: silent, onError });
  receiver.use(withBackoff(constantBackoff(5))).queue(queue, options);
  receiver.on(queue, pattern, (context) => {
    attempts.push(context);
    return act(context);
  });
  receivers.push(receiver);
  return { receiver, attempts, errors, numbers: () => attempts.map(numberOf) };
}

export async function started(...options: Parameters<typeof receiverOf>): Promise<Seen> {
  const seen = receiverOf(...options);
  await seen.receiver.start();
  return seen;
}

export function numberOf({ message }: HandlerContext): number {
  return (message.payload as { n: number }).n;
}

/** Messages named `thing.made` with payloads `{ n }`. */
export function things(count: number, keyOf: (n: number) => string | undefined = () => undefined) {
  return Array.from({ length: count }, (_, n) => {
    const key = keyOf(n);
    return createMessage("thing.made", { n }, key === undefined ? {} : { key });
  });
}

/** Something to wait for until `open` is called. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What a group has committed, by partition; -1 for nothing. */
export async function committed(place: Place, groupId: string, topic: string): Promise<number[]> {
  return (await commits(place, groupId, topic)).map(({ offset }) => Number(offset));
}

/** What a group keeps beside its offsets, by partition. */
export async function marksOf(
  place: Place,
  groupId: string,
  topic: string,
): Promise<(Mark | undefined)[]> {
  return (await commits(place, groupId, topic)).map(({ metadata }) => parseMark(metadata));
}

async function commits(place: Place, groupId: string, topic: string) {
  const admin = place.kafka.admin();
  await admin.connect();
  try {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return (found?.partitions ?? []).sort((a, b) => a.partition - b.partition);
  } finally {
    await admin.disconnect();
  }
}
