import { expect, test } from "vitest";
import { toRecord } from "../../../src/kafka/record.js";
import { clients } from "./clients.js";
import { openPlace, type Place, started, things, until } from "./support.js";

const pairs = clients.flatMap((from) => clients.map((to) => ({ from, to })));

/** Messages in a partition that is not there before. */
async function publishToAnother(place: Place, count: number): Promise<void> {
  const topic = place.topicOf("thing");
  const admin = place.kafka.admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
  await admin.disconnect();
  // It asks anew for the partitions.
  const producer = place.kafka.producer();
  await producer.connect();
  const messages = things(count).map((message) => ({ ...toRecord(message), partition: 1 }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

test.each(pairs)(
  "a queue that $from.client has begun goes on with $to.client from where it began",
  async ({ from, to }) => {
    const place = await openPlace(1, undefined, from.kafka());
    const before = await started(place.options, undefined, { options: { startAt: "earliest" } });
    await before.receiver.stop();
    await publishToAnother(place, 3);
    const after = await started({ ...place.options, kafka: to.kafka() });
    await place.publishTo(0, things(1));
    await until("all are handled", () => after.attempts.length === 4);
    expect([...before.errors, ...after.errors]).toEqual([]);
  },
);
