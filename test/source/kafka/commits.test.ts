import { expect, test } from "vitest";
import type { KafkaConsumer } from "../../../src/kafka/client.js";
import { Commits } from "../../../src/source/kafka/commits.js";
import { CLEAR, type Mark, parseMark, tried } from "../../../src/source/kafka/mark.js";
import { Partition } from "../../../src/source/kafka/partition.js";

const MAX_HELD = 100;

/** What a member commits of a partition of which it holds ten records, unless there is a `refusal`. */
function holding(counts: Partial<Mark> = {}) {
  const mark: Mark = { start: "earliest", all: false, ...CLEAR, ...counts };
  const partition = new Partition({ topic: "user", id: 0, offset: 0, committed: 0, mark });
  const places = Array.from({ length: 10 }, (_, offset) => partition.watermark.take(offset));
  const taken: { offset: number; mark: Mark | undefined }[] = [];
  const errors: unknown[] = [];
  const commit = async ([one]: { offset: string; metadata?: string | null }[]) => {
    if (refusal.error) throw refusal.error;
    if (one) taken.push({ offset: Number(one.offset), mark: parseMark(one.metadata) });
  };
  const refusal: { error?: Error } = {};
  const consumer = { commitOffsets: commit } as unknown as KafkaConsumer;
  const commits = new Commits({
    consumer: () => consumer,
    partitions: () => [partition],
    maxHeld: MAX_HELD,
    onError: (error) => errors.push(error),
  });
  const finish = (offset: number) => {
    const place = places[offset];
    if (place) partition.watermark.finish(place);
  };
  return { commits, partition, taken, finish, refusal, errors };
}

test("a member that gives its partitions back takes itself alone out of the count", async () => {
  const { commits, partition, taken } = holding({ starts: 1 });
  await commits.begin(partition);
  expect(taken.at(-1)?.mark).toMatchObject({ starts: 2, carefulTo: 0 });
  await commits.last();
  expect(taken.at(-1)).toMatchObject({ offset: 0, mark: { starts: 1, carefulTo: 0 } });
});

test("one that keeps them counts again, and records run alone only after the third that came past nothing", async () => {
  const { commits, partition, taken } = holding();
  await commits.begin(partition);
  for (let n = 0; n < 4; n += 1) {
    await commits.last();
    await commits.again();
    expect(taken.at(-1)?.mark).toMatchObject({ starts: 1, carefulTo: 0 });
  }
  const third = holding({ starts: 2 });
  await third.commits.begin(third.partition);
  expect(third.taken.at(-1)?.mark).toMatchObject({ starts: 3, carefulTo: MAX_HELD });
});

test("one that never gave them back, as when its consumer has crashed, does not count twice", async () => {
  const { commits, partition, taken } = holding();
  await commits.begin(partition);
  for (let n = 0; n < 3; n += 1) await commits.again();
  expect(taken).toMatchObject([{ mark: { starts: 1, carefulTo: 0 } }]);
});

test("what is finished is committed with them, and then nobody counts", async () => {
  const { commits, partition, taken, finish } = holding({ starts: 1 });
  await commits.begin(partition);
  finish(0);
  finish(1);
  await commits.last();
  expect(taken.at(-1)).toMatchObject({ offset: 2, mark: { starts: 0 } });
});

test("a record that is tried alone counts no try as long as its member lives", async () => {
  const { commits, partition, taken } = holding({ starts: 3, carefulTo: MAX_HELD });
  await commits.begin(partition);
  partition.isTried = true;
  await commits.note(partition, tried(partition.mark, 0) as Mark);
  for (let n = 0; n < 4; n += 1) {
    expect(taken.at(-1)?.mark).toMatchObject({ starts: 4, suspect: 0, tries: 1 });
    await commits.last();
    expect(taken.at(-1)?.mark).toMatchObject({ starts: 3, suspect: 0, tries: 0 });
    await commits.begin(partition);
  }
});

test("a member that has begun with nothing takes nothing out of the count", async () => {
  const { commits, taken } = holding({ starts: 2, suspect: 0, tries: 2 });
  await commits.last();
  expect(taken).toEqual([]);
});

test("what the group refuses while it is shared out anew is no error, and changes no count", async () => {
  const { commits, partition, refusal, errors } = holding({ starts: 1 });
  refusal.error = Object.assign(new Error("The group is rebalancing."), { code: 27 });
  expect(await commits.begin(partition)).toBe(false);
  expect(partition).toMatchObject({ isBegun: false, mark: { starts: 1 } });
  await commits.last();
  expect(errors).toEqual([]);
  refusal.error = new Error("The connection is lost.");
  expect(await commits.begin(partition)).toBe(false);
  expect(errors).toEqual([refusal.error]);
});
