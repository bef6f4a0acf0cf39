/**
 * One relay drains an outbox to Kafka: messages without a key, with 1,000 keys, and with one. Beside it, in the same run to
 * the same broker, what the client reaches alone: its producer sends the same records, made beforehand, in the best of
 * several sizes of batch, with several sends at once. Prints both, interleaved, and the ratio of the medians.
 *
 *   npx tsx bench/compile.ts && node bench/.cache/bench/relay-kafka.js [--messages 100000] [--rounds 3]
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { Kafka, logLevel, type Producer } from "kafkajs";
import pg from "pg";
import { startKafka } from "../scripts/kafka-server.js";
import { startPostgres } from "../scripts/postgres-server.js";
import { toRecord } from "../src/kafka/record.js";
import { kafkaDestination } from "../src/kafka.js";
import { median, perSecond } from "./figures.js";
import { drainOutbox, fillOutbox, record } from "./outbox.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const messages = Number(values.messages);
const PARTITIONS = 4;
const SIZES = [500, 1_000, 2_000, 3_000];
const AT_ONCE = [1, 2, 4];

async function newTopic(kafka: Kafka): Promise<string> {
  const topic = `bench-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic, numPartitions: PARTITIONS }],
    waitForLeaders: true,
  });
  await admin.disconnect();
  return topic;
}

interface Way {
  readonly size: number;
  readonly atOnce: number;
}

/** How many a second the producer sends alone. */
async function alone(kafka: Kafka, producer: Producer, keys: number, { size, atOnce }: Way) {
  const topic = await newTopic(kafka);
  const records = Array.from({ length: messages }, (_, n) => toRecord(record(n, keys)));
  await producer.send({ topic, messages: records.slice(0, 1) }); // its leaders are known
  const batches: (typeof records)[] = [];
  for (let from = 0; from < messages; from += size) batches.push(records.slice(from, from + size));
  const startedAt = performance.now();
  const send = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift())
      await producer.send({ topic, messages: batch, acks: -1 });
  };
  await Promise.all(Array.from({ length: atOnce }, send));
  return perSecond(messages, performance.now() - startedAt);
}

async function relayed(pool: pg.Pool, url: string, kafka: Kafka, producer: Producer, keys: number) {
  await fillOutbox(pool, messages, keys);
  const topic = await newTopic(kafka);
  const to = kafkaDestination({ producer, topicOf: () => topic });
  const rate = perSecond(messages, await drainOutbox({ pool, url, to, messages }));
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const arrived = offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
  if (arrived !== messages) throw new Error(`${arrived} of ${messages} records are in the topic.`);
  return rate;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const broker = await startKafka();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  const kafka = new Kafka({ brokers: broker.brokers.split(","), logLevel: logLevel.ERROR });
  const producer = kafka.producer();
  try {
    await producer.connect();
    const ways = SIZES.flatMap((size) => AT_ONCE.map((atOnce) => ({ size, atOnce })));
    const tried: [Way, number][] = [];
    for (const way of ways) tried.push([way, await alone(kafka, producer, 1_000, way)]);
    tried.sort(([, one], [, other]) => other - one);
    for (const [{ size, atOnce }, rate] of tried)
      console.log(`alone, ${size} x ${atOnce}`, rate, "/s");
    const candidates = tried.slice(0, 3).map(([way]) => way);
    for (const keys of [0, 1_000, 1]) {
      const rates = { alone: candidates.map(() => [] as number[]), relay: [] as number[] };
      for (let round = 0; round < Number(values.rounds); round += 1) {
        for (const [n, way] of candidates.entries())
          rates.alone[n]?.push(await alone(kafka, producer, keys, way));
        rates.relay.push(await relayed(pool, server.url, kafka, producer, keys));
      }
      const best = Math.max(...rates.alone.map(median));
      const ratio = median(rates.relay) / best;
      console.log(
        `${keys} keys`.padEnd(10),
        "alone",
        best,
        "/s, relay",
        median(rates.relay),
        "/s, ratio",
        ratio.toFixed(2),
      );
      console.log("".padEnd(10), JSON.stringify(rates));
    }
  } finally {
    await producer.disconnect();
    await pool.end();
    await broker.stop();
    await server.stop();
  }
}

await main();
