import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { freePort } from "../../../scripts/free-port.js";
import { toRecord } from "../../../src/kafka/record.js";
import { createMessage } from "../../../src/message/create-message.js";
import { retryAfter } from "../../../src/receiver/failure.js";
import { parseMark } from "../../../src/source/kafka/mark.js";
import { createTopics, kafkaClient, proxiedKafka, uniqueName } from "../../support/kafka.js";
import { numberOf, openPlace, type Place, receiverOf, started, things, until } from "./support.js";

test("a start without a broker says so, tries again, and ends when it is told to stop", async () => {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${await freePort()}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 10 },
  });
  const { receiver, errors } = receiverOf({ kafka });
  const starting = receiver.start();
  await until("it has failed twice", () => errors.length >= 2);
  expect(errors[0]).toMatchObject({ code: "KAFKA_UNREACHABLE" });
  expect(await receiver.stop()).toEqual({ finished: 0, released: 0, aborted: 0 });
  await starting;
  await receiver.finished;
});

test("a start waits for a broker that comes later", async () => {
  const place = await openPlace(1);
  const { kafka, proxy } = await proxiedKafka();
  proxy.refuse();
  const seen = receiverOf({ ...place.options, kafka });
  const starting = seen.receiver.start();
  await until("it has failed", () => seen.errors.length > 0);
  proxy.up();
  await starting;
  await place.publish(things(1));
  await until("it is handled", () => seen.attempts.length === 1);
  await seen.receiver.stop();
  await proxy.close();
});

test("a missing topic is an error that names it, and is created where that is allowed", async () => {
  const place = await openPlace(1);
  const missing = receiverOf(place.options, undefined, { pattern: "other.*" });
  await expect(missing.receiver.start()).rejects.toMatchObject({
    code: "UNKNOWN_TOPIC",
    message: expect.stringContaining(`retry-${place.topicOf("other")}`),
  });
  const createTopics = { numPartitions: 3 };
  const made = await started({ ...place.options, createTopics }, undefined, { pattern: "other.*" });
  await place.publish([createMessage("other.made", { n: 1 })]);
  await until("it is handled", () => made.attempts.length === 1);
  const admin = place.kafka.admin();
  await admin.connect();
  const topics = ["", "retry-", "fail-"].map((before) => before + place.topicOf("other"));
  const found = await admin.fetchTopicMetadata({ topics });
  expect(found.topics.map(({ partitions }) => partitions.length)).toEqual([3, 3, 3]);
  await admin.disconnect();
});

test("options that are wrong are refused, and so is a position", async () => {
  expect(() => receiverOf({ kafka: {} as Kafka })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTIONS" }),
  );
  expect(() => receiverOf({ kafka: kafkaClient(), maxHeld: 0 })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTIONS" }),
  );
  const place = await openPlace(1);
  const options = { startAt: { position: "1" } };
  await expect(receiverOf(place.options, undefined, { options }).receiver.start()).rejects.toThrow(
    expect.objectContaining({ code: "INVALID_OPTIONS" }),
  );
});

test("the pattern * finds topics that come later, and reads them from their beginning", async () => {
  const place = await openPlace(1);
  const seen = await started({ ...place.options, findTopicsMs: 100 }, undefined, { pattern: "*" });
  const topic = place.topicOf("other");
  await createTopics(topic);
  await place.publish([createMessage("other.made", { n: 7 })]);
  await until("it is missed", () => seen.errors.length > 0);
  expect(seen.errors[0]).toMatchObject({ code: "UNKNOWN_TOPIC" });
  await createTopics(`retry-${topic}`, `fail-${topic}`);
  await until("it is handled", () => seen.attempts.length === 1);
  await place.publish(things(1));
  await until("the others are, too", () => seen.attempts.length === 2);
  expect(seen.numbers()).toEqual([7, 0]);
});

test("a partition that is added later is read from its beginning", async () => {
  const place = await openPlace(1);
  const consumer = { metadataMaxAge: 200 };
  const seen = await started({ ...place.options, consumer });
  const admin = place.kafka.admin();
  await admin.connect();
  const topicPartitions = [{ topic: place.topicOf("thing"), count: 2 }];
  await admin.createPartitions({ topicPartitions });
  await until("it is there", async () => {
    const offsets = await admin.fetchTopicOffsets(place.topicOf("thing"));
    return offsets.length === 2;
  });
  await admin.disconnect();
  const producer = kafkaClient().producer();
  await producer.connect();
  const messages = things(1).map((message) => ({ ...toRecord(message), partition: 1 }));
  await producer.send({ topic: place.topicOf("thing"), messages });
  await producer.disconnect();
  await until("it is handled", () => seen.attempts.length === 1);
});

test("a record that others wrote is dead with the reason, byte for byte, or goes to the decoder", async () => {
  const place = await openPlace(1);
  const foreign = {
    key: "k",
    value: Buffer.of(0, 255),
    headers: { trace: "t", raw: Buffer.of(254) },
  };
  const topic = place.topicOf("thing");
  const first = await started(place.options);
  await place.producer.send({ topic, messages: [foreign] });
  await until("it is dead", async () => (await place.deadLetters.count({})) === 1);
  const { letters } = await place.deadLetters.list({});
  expect(letters[0]).toMatchObject({
    queue: "q",
    reason: { code: "FOREIGN_MESSAGE" },
    message: { name: topic, key: "k", payload: Uint8Array.of(0, 255), headers: { trace: "t" } },
  });
  expect(first.attempts).toEqual([]);
  await first.receiver.stop();

  const decode = ({ id, value }: { id: string; value: Buffer | null }) =>
    createMessage("thing.made", { n: value?.length }, { id });
  const second = await started({ ...place.options, decode });
  await place.deadLetters.redrive({});
  await until("it is decoded", () => second.attempts.length === 1);
  expect(second.attempts[0]?.message.id).toBe(letters[0]?.message.id);
  await place.producer.send({ topic, messages: [foreign] });
  await until("a new one is, too", () => second.attempts.length === 2);
  expect(second.numbers()).toEqual([2, 2]);
});

test("a short delay behind a long one has its turn, though there is room for one alone", async () => {
  const place = await openPlace(1);
  const seen = await started({ ...place.options, maxHeld: 1 }, (context) => {
    if (context.attempt > 1) return;
    throw retryAfter(numberOf(context) === 0 ? 3_600_000 : 5);
  });
  const [long, short] = things(2);
  await place.publish(long ? [long] : []);
  await until("the long one waits", () => isWaiting(place));
  await place.publish(short ? [short] : []);
  await until(
    "the short one comes again",
    () => seen.numbers().filter((n) => n === 1).length === 2,
  );
  expect(seen.numbers().filter((n) => n === 0)).toHaveLength(1);
});

/** Whether the queue holds a record of its retry topic: its mark at the offset says so. */
async function isWaiting(place: Place): Promise<boolean> {
  const admin = place.kafka.admin();
  await admin.connect();
  const groupId = `${place.options.groupIdOf("q")}-retry`;
  const [found] = await admin.fetchOffsets({
    groupId,
    topics: [`retry-${place.topicOf("thing")}`],
  });
  await admin.disconnect();
  return parseMark(found?.partitions[0]?.metadata)?.starts === 1;
}

test("a group of another name is another queue", async () => {
  const place = await openPlace(1);
  const options = { startAt: "earliest" } as const;
  await place.publish(things(1));
  const groupIdOf = () => uniqueName("group");
  const first = await started({ ...place.options, groupIdOf }, undefined, { options });
  const second = await started({ ...place.options, groupIdOf }, undefined, { options });
  await until("both have it", () => first.attempts.length + second.attempts.length === 2);
});
