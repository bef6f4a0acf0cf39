import type { Kafka, KafkaMessage } from "kafkajs";
import { kafkaClient, uniqueName } from "./kafka.js";

export type PlacedRecord = KafkaMessage & { readonly partition: number };

/** All that a topic holds now, one partition after the other. */
export async function recordsOf(topic: string, kafka = kafkaClient()): Promise<PlacedRecord[]> {
  const ends = await endsOf(topic, kafka);
  const records: PlacedRecord[] = [];
  if (ends.size === 0) return records;
  const consumer = kafka.consumer({ groupId: uniqueName("reader"), maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
    const eachBatch = async ({
      batch,
    }: {
      batch: { partition: number; messages: KafkaMessage[] };
    }) => {
      const { partition, messages } = batch;
      for (const message of messages) records.push({ ...message, partition } as PlacedRecord);
      if (messages.some(({ offset }) => Number(offset) + 1 >= (ends.get(partition) ?? 0)))
        ends.delete(partition);
      if (ends.size === 0) resolve();
    };
    consumer.run({ autoCommit: false, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
  return records.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** The next offset of each partition that has records. */
async function endsOf(topic: string, kafka: Kafka): Promise<Map<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    const ends = offsets.map(({ partition, high }) => [partition, Number(high)] as const);
    return new Map(ends.filter(([, high]) => high > 0));
  } finally {
    await admin.disconnect();
  }
}
