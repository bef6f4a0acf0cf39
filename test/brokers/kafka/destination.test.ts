import { describe, expect, onTestFinished, test } from "vitest";
import type { DeliverResult, Destination } from "../../../src/destination/destination.js";
import { type KafkaDestinationOptions, kafkaDestination } from "../../../src/destination/kafka.js";
import { fromRecord } from "../../../src/kafka/record.js";
import { createMessage } from "../../../src/message/create-message.js";
import { withCode } from "../../message/with-code.js";
import { createTopics, kafkaClient, proxiedKafka, uniqueName } from "../../support/kafka.js";
import { recordsOf } from "../../support/kafka-records.js";

const { signal } = new AbortController();

function destination(options: Partial<KafkaDestinationOptions> = {}) {
  const producer = kafkaClient().producer({ allowAutoTopicCreation: false });
  onTestFinished(() => producer.disconnect());
  return kafkaDestination({ producer, ...options });
}

const codes = (results: Awaited<ReturnType<Destination["deliver"]>>) =>
  results?.map((result: DeliverResult) =>
    result.status === "failed" ? (result.error as { code: string }).code : result.status,
  );

async function payloadsOf(topic: string): Promise<unknown[]> {
  return (await recordsOf(topic)).map((record) => fromRecord(record).payload);
}

describe("kafkaDestination", () => {
  test("writes to a topic of Kafka for each topic; one that is missing fails its own messages", async () => {
    const [one, two, missing] = [uniqueName(), uniqueName(), uniqueName("missing")];
    await createTopics(one, two);
    const batch = [one, missing, two, one].map((topic, n) => createMessage("a", n, { topic }));
    const { deliver } = destination();
    // On a busy machine kafkajs loses a connection now and then, and what was on it fails, to be sent again.
    await expect
      .poll(
        async () => {
          const results = (await deliver(batch, { signal })) ?? [];
          const [, second] = results as readonly { error?: unknown }[];
          return [codes(results), second?.error];
        },
        { timeout: 20_000 },
      )
      .toEqual([
        ["accepted", "UNKNOWN_TOPIC", "accepted", "accepted"],
        expect.objectContaining({ permanent: false, message: expect.stringContaining(missing) }),
      ]);
    const payloads = [await payloadsOf(one), await payloadsOf(two)];
    expect(payloads.map((each) => [...new Set(each)])).toEqual([[0, 3], [2]]);
  });

  test("keeps the order of each key, in one partition", async () => {
    const topic = uniqueName();
    await createTopics({ topic, numPartitions: 5 });
    const batch = Array.from({ length: 500 }, (_, n) =>
      createMessage("a", n, { topic, key: `k${n % 7}` }),
    );
    const { deliver } = destination({ maxRequestBytes: 10_000 });
    for (let n = 0; n < 500; n += 100) await deliver(batch.slice(n, n + 100), { signal });
    const records = await recordsOf(topic);
    expect(new Set(records.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    for (let key = 0; key < 7; key += 1) {
      const ofKey = records.filter((record) => String(record.key) === `k${key}`);
      expect(new Set(ofKey.map(({ partition }) => partition)).size).toBe(1);
      // A client may send a request again, and then repeats what it has sent.
      const payloads = [...new Set(ofKey.map((record) => fromRecord(record).payload))];
      expect(payloads).toEqual([...payloads].sort((a, b) => Number(a) - Number(b)));
    }
    expect(new Set(records.map((record) => fromRecord(record).id)).size).toBe(500);
  });

  test("fails a message for good that is too large for the broker, and delivers its neighbours once", async () => {
    const topic = uniqueName();
    await createTopics(topic);
    const payloads = [1, 2, "x".repeat(1_100_000), 3];
    const batch = payloads.map((payload) => createMessage("a", payload, { topic }));
    const results = (await destination().deliver(batch, { signal })) ?? [];
    expect(codes(results)).toEqual(["accepted", "accepted", "MESSAGE_TOO_LARGE", "accepted"]);
    expect(results[2]).toMatchObject({ error: { permanent: true } });
    expect(await payloadsOf(topic)).toEqual([1, 2, 3]);
  });

  test("finds its way below a topic's own limit", async () => {
    const topic = uniqueName();
    const configEntries = [{ name: "max.message.bytes", value: "1000" }];
    await createTopics({ topic, numPartitions: 1, configEntries });
    const payloads = Array.from({ length: 50 }, (_, n) => (n === 33 ? "x".repeat(1_000) : n));
    const batch = payloads.map((payload) => createMessage("a", payload, { topic }));
    const results = codes(await destination().deliver(batch, { signal }));
    expect(results).toEqual(
      payloads.map((p) => (typeof p === "string" ? "MESSAGE_TOO_LARGE" : "accepted")),
    );
    expect(await payloadsOf(topic)).toEqual(
      payloads.filter((payload) => typeof payload === "number"),
    );
  });

  test("says where nobody answers, and goes on once somebody does", async () => {
    const topic = uniqueName();
    await createTopics(topic);
    const { kafka, proxy } = await proxiedKafka({ retry: { retries: 0 } });
    const producer = kafka.producer();
    onTestFinished(async () => {
      await producer.disconnect();
      await proxy.close();
    });
    const { deliver } = kafkaDestination({ producer });
    const batch = [createMessage("a", 1, { topic })];
    for (const change of [proxy.refuse, proxy.up, proxy.refuse, proxy.up]) {
      change();
      const delivery = deliver(batch, { signal });
      if (change === proxy.up) await delivery;
      else await expect(delivery).rejects.toThrow(withCode("KAFKA_UNREACHABLE", "127.0.0.1:"));
    }
    expect(await payloadsOf(topic)).toEqual([1, 1]);
  });

  test("gives up a black hole when it is told to", async () => {
    const topic = uniqueName();
    await createTopics(topic);
    const { kafka, proxy } = await proxiedKafka();
    const producer = kafka.producer();
    await producer.connect();
    proxy.silence();
    onTestFinished(async () => {
      proxy.reset();
      await producer.disconnect();
      await proxy.close();
    });
    const controller = new AbortController();
    const batch = [createMessage("a", 1, { topic })];
    const delivery = kafkaDestination({ producer }).deliver(batch, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(delivery).rejects.toThrow("enough");
  });

  test("refuses an idempotent producer of kafkajs, which loses records still", async () => {
    const topic = uniqueName();
    await createTopics({ topic, numPartitions: 2 });
    const producer = kafkaClient().producer({ idempotent: true, maxInFlightRequests: 1 });
    onTestFinished(() => producer.disconnect());
    expect(() => kafkaDestination({ producer })).toThrow(
      withCode("INVALID_OPTIONS", "loses records"),
    );
    await producer.connect();
    const send = (...values: [partition: number, value: string][]) =>
      producer.send({
        topic,
        messages: values.map(([partition, value]) => ({ partition, value })),
      });
    await send([0, "zero"], [1, "zero"]);
    await expect(send([0, "one"], [1, "x".repeat(2_000_000)])).rejects.toThrow("larger");
    await send([0, "acknowledged"]);
    const values = (await recordsOf(topic)).map(({ value }) => String(value));
    expect(values).toEqual(["zero", "one", "zero"]);
  });
});
