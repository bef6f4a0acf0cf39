import { describe, expect, test } from "vitest";
import type { DeliverResult } from "../../src/destination/destination.js";
import { type KafkaDestinationOptions, kafkaDestination } from "../../src/destination/kafka.js";
import type { KafkaProducer } from "../../src/kafka/client.js";
import { KafkaError } from "../../src/kafka/kafka-error.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { withCode } from "../message/with-code.js";

type Batch = Parameters<KafkaProducer["send"]>[0];

const { signal } = new AbortController();
const messages = (...payloads: unknown[]) =>
  payloads.map((payload) => createMessage("a.b", payload));
const tooLarge = () => Object.assign(new Error("too large"), { code: 10 });

/** A producer that takes what `answer` doesn't refuse. */
function fake(answer: (batch: Batch) => unknown = () => {}) {
  const sent: { topic: string; values: unknown[]; acks?: number }[] = [];
  const counts = { connected: 0 };
  const producer = {
    async connect() {
      counts.connected += 1;
    },
    async send(batch: Batch) {
      await answer(batch);
      const { topic, messages, ...more } = batch;
      sent.push({ topic, values: messages.map(({ value }) => JSON.parse(String(value))), ...more });
    },
  };
  return { producer, sent, counts };
}

function deliver(batch: readonly Message[], options: KafkaDestinationOptions) {
  return kafkaDestination(options).deliver(batch, { signal });
}

function statuses(results: Awaited<ReturnType<typeof deliver>>) {
  return results?.map((result: DeliverResult) => {
    if (result.status !== "failed") return result.status;
    const { code, permanent } = result.error as KafkaError;
    return permanent ? `${code} for good` : code;
  });
}

test("connects with the first batch, once, and again only where that failed", async () => {
  const { producer, counts } = fake();
  const destination = kafkaDestination({ producer });
  expect(counts.connected).toBe(0);
  const both = [1, 2].map((n) => destination.deliver(messages(n), { signal }));
  await Promise.all(both);
  await destination.deliver(messages(3), { signal });
  expect(counts.connected).toBe(1);

  const failing = {
    ...producer,
    connect: () => producer.connect().then(() => Promise.reject(new Error("no"))),
  };
  const other = kafkaDestination({ producer: failing });
  for (const n of [2, 3]) {
    await expect(other.deliver(messages(n), { signal })).rejects.toThrow(
      withCode("KAFKA_FAILED", "no"),
    );
    expect(counts.connected).toBe(n);
  }
});

test("takes a producer that somebody has connected", async () => {
  const { producer, sent } = fake();
  const connect = () =>
    Promise.reject(Object.assign(new Error("called elsewhere"), { code: -172 }));
  await deliver(messages(1), { producer: { ...producer, connect } });
  expect(sent).toEqual([{ topic: "a", values: [1] }]);
});

test("says when a producer is of no use any more, since connecting it has failed", async () => {
  const errors = [{ code: -195 }, { code: -172 }];
  const connect = () => Promise.reject(Object.assign(new Error("no"), errors.shift()));
  const destination = kafkaDestination({ producer: { ...fake().producer, connect } });
  for (const code of ["KAFKA_UNREACHABLE", "KAFKA_FAILED"] as const) {
    await expect(destination.deliver(messages(1), { signal })).rejects.toThrow(
      withCode(code, "no"),
    );
  }
});

test("resolves only when Kafka has acknowledged", async () => {
  let acknowledge = () => {};
  const acknowledged = new Promise<void>((resolve) => {
    acknowledge = resolve;
  });
  let isDone = false;
  const delivery = deliver(messages(1), { producer: fake(() => acknowledged).producer }).then(
    () => {
      isDone = true;
    },
  );
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  acknowledge();
  await delivery;
});

test("sends one request for each Kafka topic, in order, with acks only if told", async () => {
  const batch = ["a.1", "b.1", "a.2", "c.1"].map((name) => createMessage(name, name));
  const topicOf = (topic: string) => (topic === "c" ? "x-a" : `x-${topic}`);
  const { producer, sent } = fake();
  await deliver(batch, { producer, topicOf });
  expect(sent).toEqual([
    { topic: "x-a", values: ["a.1", "a.2", "c.1"] },
    { topic: "x-b", values: ["b.1"] },
  ]);
  await deliver(messages(1), { producer, acks: 1 });
  expect(sent.at(-1)).toEqual({ topic: "a", values: [1], acks: 1 });
});

test("cuts requests by their bytes, and sends a larger message alone", async () => {
  const { producer, sent } = fake();
  const batch = messages(1, "x".repeat(650), 2, "é".repeat(250), "x".repeat(2_000), 3);
  await deliver(batch, { producer, maxRequestBytes: 1_000 });
  const lengths = sent.map(({ values }) => values.map((value) => String(value).length));
  expect(lengths).toEqual([[1, 650], [1, 250], [2_000], [1]]);
});

describe("what fails", () => {
  test("for being too large leaves its neighbours alone", async () => {
    const { producer, sent } = fake(({ messages }) => {
      if (messages.some(({ value }) => value === "3")) throw tooLarge();
    });
    const results = await deliver(messages(0, 1, 2, 3, 4), { producer });
    expect(statuses(results)).toEqual([
      "accepted",
      "accepted",
      "accepted",
      "MESSAGE_TOO_LARGE for good",
      "accepted",
    ]);
    expect(sent.flatMap(({ values }) => values)).toEqual([0, 1, 2, 4]);
  });

  test("otherwise keeps back what follows it in its topic, and no other", async () => {
    const { producer, sent } = fake(({ topic, messages }) => {
      if (topic === "a" && messages[0]?.value === "2") throw new Error("not now");
    });
    const batch = [1, 2, 3].flatMap((n) => ["a", "b"].map((topic) => createMessage(topic, n)));
    const results = await deliver(batch, { producer, maxRequestBytes: 1 });
    expect(statuses(results)).toEqual([
      ...["accepted", "accepted"],
      ...["KAFKA_FAILED", "accepted"],
      ...["KAFKA_FAILED", "accepted"],
    ]);
    expect(sent.filter(({ topic }) => topic === "a")).toEqual([{ topic: "a", values: [1] }]);
  });

  test("for good if Kafka can't have its topic, or if it can't be read", async () => {
    const { producer, sent } = fake();
    const [good, topicless] = [createMessage("a", 1), createMessage("a", 1, { topic: "a:b" })];
    const unreadable = {
      ...good,
      get headers(): never {
        throw new KafkaError("INVALID_HEADERS", "bad", { cause: undefined });
      },
    };
    const results = await deliver([topicless, good, unreadable], { producer });
    expect(statuses(results)).toEqual([
      "INVALID_NAME for good",
      "accepted",
      "INVALID_HEADERS for good",
    ]);
    expect(sent).toEqual([{ topic: "a", values: [1] }]);
  });

  test("altogether is a rejection", async () => {
    const { producer } = fake(() => {
      throw tooLarge();
    });
    await expect(deliver(messages(1), { producer })).rejects.toThrow(
      withCode("MESSAGE_TOO_LARGE", "max.message.bytes"),
    );
  });

  test.each<[object, string, string]>([
    [{ name: "KafkaJSConnectionError", broker: "kafka:9092" }, "KAFKA_UNREACHABLE", "kafka:9092"],
    [
      { name: "KafkaJSRequestTimeoutError", broker: "kafka:9092" },
      "KAFKA_UNREACHABLE",
      "kafka:9092",
    ],
    [{ code: -192 }, "KAFKA_UNREACHABLE", "Is it up?"],
    [{ code: 3 }, "UNKNOWN_TOPIC", "topic a failed"],
    [{ code: 29 }, "KAFKA_REFUSED", "password"],
    [{ name: "KafkaJSSASLAuthenticationError" }, "KAFKA_REFUSED", "password"],
    [{ cause: { cause: { code: 3 } } }, "UNKNOWN_TOPIC", "Create it"],
    [{ code: "ENOENT" }, "KAFKA_FAILED", "own error"],
  ])("has a code by which one knows what to do: %j", async (fields, code, text) => {
    const cause = Object.assign(new Error("oh"), fields);
    const { producer } = fake(() => Promise.reject(cause));
    const error = await deliver(messages(1), { producer }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(KafkaError);
    expect(error).toMatchObject({ code, permanent: false, cause });
    expect(error.message).toContain(text);
    expect(error.message).toContain("oh");
  });
});

test("rejects with the signal's reason, and sends no more", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { producer, sent } = fake(({ messages }) => {
    if (messages[0]?.value !== "2") return undefined;
    controller.abort(reason);
    return new Promise(() => {});
  });
  const destination = kafkaDestination({ producer, maxRequestBytes: 1 });
  const delivery = destination.deliver(messages(1, 2, 3), { signal: controller.signal });
  await expect(delivery).rejects.toBe(reason);
  await expect(destination.deliver(messages(4), { signal: controller.signal })).rejects.toBe(
    reason,
  );
  expect(sent.flatMap(({ values }) => values)).toEqual([1]);
});

test.each<[string, object]>([
  ["producer", { producer: {} }],
  ["idempotent", { producer: { ...fake().producer, isIdempotent: () => true } }],
  ["acks", { producer: fake().producer, acks: 0 }],
  ["maxRequestBytes", { producer: fake().producer, maxRequestBytes: 0 }],
  ["topics", { producer: fake().producer, topics: 1 }],
])("refuses at once what can't be right: %s", (text, options) => {
  expect(() => kafkaDestination(options as never)).toThrow(withCode("INVALID_OPTIONS", text));
});

test("a topic that is missing doesn't fail the others that are sent beside it", async () => {
  let isLooking = true;
  const missing = Object.assign(new Error("not here"), { code: 3 });
  const { producer, sent } = fake(async ({ topic }) => {
    if (topic === "gone" || isLooking) {
      await Promise.resolve();
      isLooking = false;
      throw missing;
    }
  });
  const batch = ["there", "gone", "there"].map((topic, n) => createMessage("a", n, { topic }));
  const results = await deliver(batch, { producer });
  expect(statuses(results)).toEqual(["accepted", "UNKNOWN_TOPIC", "accepted"]);
  expect(sent.map(({ values }) => values)).toEqual([[0, 2]]);
});
