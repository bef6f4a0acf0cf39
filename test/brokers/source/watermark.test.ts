import { describe, expect, test } from "vitest";
import type { KafkaClient } from "../../../src/kafka/client.js";
import { asKafkaJs } from "../../../src/kafka/confluent/kafka.js";
import { fatal, retryAfter } from "../../../src/receiver/failure.js";
import { clients } from "./clients.js";
import { committed, gate, numberOf, openPlace, started, things, until } from "./support.js";

/** The client, with what is written and committed in the order in which the broker has acknowledged it. */
function watched(kafka: KafkaClient, hold: (topic: string) => Promise<void>) {
  const log: string[] = [];
  const client: KafkaClient = {
    admin: (config) => kafka.admin(config),
    producer: (config) => {
      const producer = kafka.producer(config);
      const send = producer.send.bind(producer);
      return Object.assign(producer, {
        send: async (batch: Parameters<typeof send>[0]) => {
          await hold(batch.topic);
          const sent = await send(batch);
          log.push(`written ${batch.topic.replace(/test-.*[.]/, "")}`);
          return sent;
        },
      });
    },
    consumer: (config) => {
      const consumer = kafka.consumer(config);
      const commit = consumer.commitOffsets.bind(consumer);
      return Object.assign(consumer, {
        commitOffsets: async (positions: Parameters<typeof commit>[0]) => {
          await commit(positions);
          for (const { topic, partition, offset } of positions) {
            if (topic.startsWith("test-")) log.push(`committed ${partition} ${offset}`);
          }
        },
      });
    },
  };
  return { client, log };
}

describe.each(clients)("with $client", ({ kafka }) => {
  test.each([
    ["a retry", () => retryAfter(3_600_000), "written retry-thing"],
    ["a dead letter", () => fatal(new Error("no way")), "written fail-thing"],
  ])("%s is written and acknowledged before the offset moves", async (_, thrown, written) => {
    const place = await openPlace(2, undefined, kafka());
    const { opened, open } = gate();
    const { client, log } = watched(asKafkaJs(place.options.kafka), (topic) =>
      topic.startsWith("retry-") || topic.startsWith("fail-") ? opened : Promise.resolve(),
    );
    const seen = await started({ ...place.options, kafka: client }, (context) => {
      if (numberOf(context) === 0) throw thrown();
    });
    const messages = things(3);
    await place.publishTo(0, messages.slice(0, 2));
    await until("it has failed", () => seen.attempts.length === 2);
    await place.publishTo(1, messages.slice(2));
    await until("the other partition is committed", () => log.includes("committed 1 1"));
    expect(log.filter((line) => /committed 0 [1-9]/.test(line))).toEqual([]);
    open();
    await until("its own is committed", () => log.includes("committed 0 2"));
    expect(log.indexOf(written)).toBeGreaterThan(-1);
    expect(log.indexOf(written)).toBeLessThan(
      log.findIndex((line) => /committed 0 [1-9]/.test(line)),
    );
  });

  test("a failure is never passed by a commit: what waits in memory comes again", async () => {
    const place = await openPlace(1, undefined, kafka());
    const options = { ...place.options, retryTopics: false };
    const first = await started(options, (context) => {
      if (numberOf(context) === 2) throw retryAfter(3_600_000);
    });
    await place.publish(things(6));
    await until("all were tried", () => first.attempts.length === 6);
    await first.receiver.stop();
    expect(await committed(place, place.options.groupIdOf("q"), place.topicOf("thing"))).toEqual([
      2,
    ]);
    const second = await started(options);
    await until("the rest comes again", () => second.attempts.length === 4);
    expect(second.numbers()).toEqual([2, 3, 4, 5]);
  });

  test("a queue holds no more records than it may, and goes on when there is room", async () => {
    const place = await openPlace(2, undefined, kafka());
    const { opened, open } = gate();
    let fetched = 0;
    const ours = asKafkaJs(place.options.kafka);
    const client: KafkaClient = {
      admin: (config) => ours.admin(config),
      producer: (config) => ours.producer(config),
      consumer: (config) => {
        const consumer = ours.consumer(config);
        const run = consumer.run.bind(consumer);
        return Object.assign(consumer, {
          run: (how: Parameters<KafkaClient["consumer"]>[0] & Parameters<typeof run>[0]) =>
            run({
              ...how,
              eachBatch: async (payload) => {
                fetched += payload.batch.messages.length;
                await how?.eachBatch?.(payload);
              },
            }),
        });
      },
    } as KafkaClient;
    const seen = await started(
      {
        ...place.options,
        kafka: client,
        maxHeld: 20,
        maxWorkers: 1,
        consumer: { maxBytesPerPartition: 2_000 },
      },
      () => opened,
    );
    for (let n = 0; n < 20; n += 1) await place.publish(things(20, (nth) => `${nth}`));
    await until("one runs", () => seen.attempts.length === 1);
    const admin = place.kafka.admin();
    await admin.connect();
    const stillFetched = async () => {
      const before = fetched;
      // Two looks at the broker take longer than a fetch that finds something.
      await admin.fetchTopicOffsets(place.topicOf("thing"));
      await admin.fetchTopicOffsets(place.topicOf("thing"));
      return fetched === before;
    };
    await until("nothing is fetched", stillFetched);
    await admin.disconnect();
    expect(fetched).toBeLessThan(100);
    open();
    await until("all are handled", () => seen.attempts.length === 400);
  });
});
