import { expect, test } from "vitest";
import type { KafkaMessage } from "../../../src/kafka/client.js";
import { newHistory } from "../../../src/kafka/history.js";
import { createMessage } from "../../../src/message/create-message.js";
import { Company } from "../../../src/source/kafka/company.js";
import { CLEAR } from "../../../src/source/kafka/mark.js";
import type { Member } from "../../../src/source/kafka/member.js";
import { type Item, Partition } from "../../../src/source/kafka/partition.js";
import { Stream, type StreamOptions, type Task } from "../../../src/source/kafka/stream.js";
import { Lanes } from "../../../src/source/lanes.js";

const WORKERS = 10;

/** A stream of a partition whose records below `carefulTo` run alone, and what runs: finished by the test. */
function streaming(carefulTo: number) {
  const running: (() => void)[] = [];
  const deliver = () =>
    new Promise((resolve) => {
      running.push(() => resolve({ type: "done" }));
    });
  const options = {
    queue: "mail",
    context: { sink: { deliver }, onError: (error: unknown) => expect.unreachable(String(error)) },
    lanes: new Lanes<Task>({
      maxWorkers: WORKERS,
      concurrencyOf: () => WORKERS,
      run: (task, done) => void task.run().then(done),
    }),
    company: new Company(),
    read: (_: Partition, { offset }: KafkaMessage) => ({
      message: createMessage("user.created", offset),
      history: newHistory("mail", `user/0/${offset}`),
      dueAt: 0,
    }),
    ordered: false,
  } as unknown as StreamOptions;
  const member = {
    isSuspended: false,
    note: async () => true,
    finish: ({ partition, place }: Item) => partition.watermark.finish(place),
  } as unknown as Member;
  const stream = new Stream(options);
  stream.attach(member);
  const mark = { start: 0, all: false, ...CLEAR, carefulTo };
  const partition = new Partition({ topic: "user", id: 0, offset: 0, committed: 0, mark });
  return { stream, partition, running };
}

const records = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ offset: String(n) }) as KafkaMessage);

test("what was read behind those that run alone runs beside others, once they are over", async () => {
  const { stream, partition, running } = streaming(2);
  stream.take(partition, records(WORKERS));
  for (const n of [1, 2]) {
    await expect.poll(() => running.length).toBe(n);
    running[n - 1]?.();
  }
  await expect.poll(() => running.length).toBe(WORKERS);
  for (const finish of running) finish();
  await expect.poll(() => partition.watermark.position).toBe(WORKERS);
});

test("one that is suspected keeps the others of its process waiting", async () => {
  const { stream, partition, running } = streaming(1);
  stream.take(partition, records(2));
  await expect.poll(() => running.length).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(running).toHaveLength(1);
  running[0]?.();
  await expect.poll(() => running.length).toBe(2);
  running[1]?.();
});
