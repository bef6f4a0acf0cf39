import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kafkaDestination } from "../../../src/destination/kafka.js";
import { type ForeignRecord, foreignRecord } from "../../../src/kafka/foreign.js";
import { fromRecord } from "../../../src/kafka/record.js";
import { createMessage } from "../../../src/message/create-message.js";
import type { Message } from "../../../src/message/message.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { kafkaSource } from "../../../src/source/kafka/source.js";
import { withCode } from "../../message/with-code.js";
import { silent } from "../../receiver/support.js";
import { createTopics, kafkaClient, uniqueName } from "../../support/kafka.js";
import { recordsOf } from "../../support/kafka-records.js";
import { hasKcat, kcatReads, kcatWrites } from "../../support/kcat.js";

const { signal } = new AbortController();
const ID = "0192f0c1-2b3a-7c5d-8e6f-708192a3b4c5";

async function newTopic(): Promise<string> {
  const topic = uniqueName();
  await createTopics(topic);
  return topic;
}

/** A client that isn't ours, nor in JavaScript. */
describe.runIf(await hasKcat())("kcat", () => {
  test("reads what we wrote", async () => {
    const topic = await newTopic();
    const producer = kafkaClient().producer();
    onTestFinished(() => producer.disconnect());
    const options = { id: ID, key: "k é", headers: { "x-tenant": "7", traceparent: "00-a-b-01" } };
    const batch = [
      createMessage("user.created", { name: "Ærø" }, options),
      createMessage("user.gone", null, { topic: "crm", delayMs: 0 }),
    ];
    await kafkaDestination({ producer, topicOf: () => topic }).deliver(batch, { signal });
    const [first, second] = await kcatReads(topic);
    expect(first).toEqual({
      key: "k é",
      payload: '{"name":"Ærø"}',
      headers: {
        "x-tenant": "7",
        traceparent: "00-a-b-01",
        "oe-id": ID,
        "oe-name": "user.created",
        "oe-published-at": batch[0]?.publishedAt.toISOString(),
      },
    });
    expect(second).toMatchObject({ key: null, payload: "null", headers: { "oe-topic": "crm" } });
  });

  test("writes what we read", async () => {
    const topic = await newTopic();
    await kcatWrites(topic, {
      key: "k",
      payload: '{"n": 1}',
      headers: {
        "oe-id": ID,
        "oe-name": "user.created",
        "oe-published-at": "2026-01-31T10:00:00Z",
        "x-tenant": "7",
      },
    });
    const [record] = await recordsOf(topic);
    const {
      id,
      name,
      topic: of,
      key,
      payload,
      headers,
      publishedAt,
    } = fromRecord(record ?? expect.fail());
    expect({ id, name, of, key, payload, headers, publishedAt }).toEqual({
      ...{ id: ID, name: "user.created", of: "user", key: "k", payload: { n: 1 } },
      ...{ headers: { "x-tenant": "7" }, publishedAt: new Date("2026-01-31T10:00:00Z") },
    });
  });

  test("writes what is foreign to us without our headers, and leaves it to a decoder", async () => {
    const topic = await newTopic();
    await kcatWrites(topic, { key: null, payload: "order 7", headers: { type: "order" } });
    const [record = expect.fail()] = await recordsOf(topic);
    expect(() => fromRecord(record)).toThrow(withCode("FOREIGN_MESSAGE", "decoder"));
    const { id, key, value, headers } = foreignRecord(topic, record.partition, record);
    const message = createMessage(`${headers.type}.placed`, { text: String(value) }, { id });
    expect(message).toMatchObject({ id, name: "order.placed", payload: { text: "order 7" } });
    expect(key).toBe(null);
  });

  test("writes what a receiver handles: ours as it is, the rest with a decoder", async () => {
    const topic = uniqueName();
    await createTopics(topic, `retry-${topic}`, `fail-${topic}`);
    const handled: Message[] = [];
    const dead: string[] = [];
    const receiver = new Receiver({
      source: kafkaSource({ kafka: kafkaClient(), topicOf: () => topic, decode }),
      logger: silent,
      onDead: ({ reason }) => dead.push(reason.message),
    });
    receiver.queue(topic, { startAt: "earliest" });
    await receiver.on(topic, "order.*", ({ message }) => handled.push(message)).start();
    onTestFinished(async () => {
      await receiver.stop();
    });
    const ours = {
      "oe-id": ID,
      "oe-name": "order.paid",
      "oe-published-at": "2026-01-31T10:00:00Z",
    };
    await kcatWrites(topic, { key: "k", payload: "1", headers: ours });
    await kcatWrites(topic, { key: null, payload: "2", headers: { type: "order" } });
    await kcatWrites(topic, { key: null, payload: "3", headers: {} });
    await vi.waitFor(() => expect([handled.length, dead.length]).toEqual([2, 1]), 20_000);
    const byName = handled.map(({ name, key, payload }) => ({ name, key, payload }));
    expect(byName).toContainEqual({ name: "order.paid", key: "k", payload: 1 });
    expect(byName).toContainEqual({ name: "order.placed", key: undefined, payload: "2" });
    expect(dead).toEqual(["no type"]);
  });
});

function decode({ id, value, headers }: ForeignRecord): Message {
  if (!headers.type) throw new Error("no type");
  return createMessage(`${headers.type}.placed`, String(value), { id });
}
