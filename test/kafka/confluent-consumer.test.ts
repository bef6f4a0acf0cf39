import { expect, test } from "vitest";
import type { EachBatchPayload, KafkaConsumer } from "../../src/kafka/client.js";
import type { ConfluentPlace, ConfluentRebalance } from "../../src/kafka/confluent/client.js";
import { asKafkaJs } from "../../src/kafka/confluent/kafka.js";

const ASSIGN = -175;
const REVOKE = -174;
const place = (partition: number) => ({ topic: "t", partition });

/** A consumer over a client that does nothing but note what it is asked for. */
async function open() {
  const log: string[] = [];
  const taken: string[] = [];
  let rebalance: ConfluentRebalance = async () => {};
  let eachBatch: (payload: EachBatchPayload) => Promise<void> = async () => {};
  const note = (what: string) => async (given: unknown) => {
    log.push(`${what} ${JSON.stringify(given)}`);
  };
  const client = {
    connect: async () => {},
    disconnect: async () => {},
    subscribe: async () => {},
    run: async (options: { eachBatch: typeof eachBatch }) => {
      eachBatch = options.eachBatch;
    },
    pause: (topics: { partitions?: number[] }[]) => {
      for (const { partitions } of topics) log.push(`pause ${partitions}`);
    },
    resume: (topics: { partitions?: number[] }[]) => {
      for (const { partitions } of topics) log.push(`resume ${partitions}`);
    },
    seek: (at: { partition: number; offset: string }) => {
      log.push(`seek ${at.partition} ${at.offset}`);
    },
    commitOffsets: note("commit"),
  };
  const kafka = asKafkaJs({
    consumer: (config: object) => {
      rebalance = (config as { rebalance_cb: ConfluentRebalance }).rebalance_cb;
      return client;
    },
    producer: () => ({ dependentAdmin: () => {} }) as never,
    admin: () => ({}) as never,
  });
  const consumer: KafkaConsumer = kafka.consumer({ groupId: "g" });
  const joined: unknown[] = [];
  consumer.on?.("consumer.group_join", ({ payload }) => {
    joined.push(payload.memberAssignment);
  });
  consumer.on?.("consumer.rebalancing", () => joined.push("rebalancing"));
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      taken.push(batch.messages.map(({ offset }) => offset).join());
      resolveOffset(batch.messages.at(-1)?.offset ?? "");
    },
  });
  const assign = (assigned: ConfluentPlace[]) =>
    rebalance({ code: ASSIGN }, assigned, {
      assign: (begun) => {
        log.push(`assign ${begun.map(({ partition, offset }) => `${partition}@${offset}`)}`);
      },
    });
  const batch = (partition: number, ...offsets: number[]) =>
    eachBatch({
      batch: {
        ...place(partition),
        highWatermark: "100",
        messages: offsets.map((offset) => ({ offset: String(offset) })),
      },
      resolveOffset: () => {},
      heartbeat: async () => {},
      isRunning: () => true,
      isStale: () => false,
    } as unknown as EachBatchPayload);
  const revoke = () => rebalance({ code: REVOKE }, [], { assign: () => {} });
  return { consumer, log, taken, joined, assign, batch, revoke };
}

/** One that has partition 0 from offset 5 on, and reads it. */
async function reading() {
  const opened = await open();
  const assigned = opened.assign([place(0)]);
  opened.consumer.seek({ ...place(0), offset: "5" });
  await assigned;
  opened.log.length = 0;
  return opened;
}

test("partitions are taken once it is told from where, paused where that is asked for", async () => {
  const { consumer, log, joined, assign } = await open();
  const assigned = assign([place(0), place(1)]);
  consumer.pause([{ topic: "t", partitions: [0, 1] }]);
  await Promise.resolve();
  expect([joined, log]).toEqual([[{ t: [0, 1] }], []]);
  consumer.seek({ ...place(0), offset: "5" });
  consumer.seek({ ...place(1), offset: "7" });
  consumer.resume([{ topic: "t", partitions: [1] }]);
  await assigned;
  expect(log).toEqual(["assign 0@5,1@7", "resume 1", "pause 0"]);
  await consumer.disconnect();
});

test("an assignment that is told nothing ends with the consumer", async () => {
  const { consumer, log, assign } = await open();
  const assigned = assign([place(0)]);
  await consumer.disconnect();
  await assigned;
  expect(log).toEqual(["assign "]);
});

test("what is resumed is read from where it was, whatever the client has dropped", async () => {
  const { consumer, log, taken, batch } = await reading();
  await batch(0, 5, 6);
  consumer.pause([{ topic: "t", partitions: [0] }]);
  consumer.resume([{ topic: "t", partitions: [0] }]);
  expect([taken, log]).toEqual([["5,6"], ["pause 0", "resume 0", "seek 0 7"]]);
  await consumer.disconnect();
});

test("a batch behind a gap is asked for again, and taken if the log has the gap", async () => {
  const { consumer, log, taken, batch } = await reading();
  await batch(0, 8, 9);
  await batch(0, 10, 11);
  expect([taken, log]).toEqual([[], ["seek 0 5", "seek 0 5"]]);
  await batch(0, 6, 7);
  await batch(0, 6, 7);
  await batch(0, 8);
  expect([taken, log.length]).toEqual([["6,7", "8"], 3]);
  await consumer.disconnect();
});

test("a batch of a partition that was taken away is not handed on", async () => {
  const { consumer, taken, joined, batch, revoke } = await reading();
  await revoke();
  await batch(0, 5);
  expect([taken, joined.at(-1)]).toEqual([[], "rebalancing"]);
  await consumer.disconnect();
});
