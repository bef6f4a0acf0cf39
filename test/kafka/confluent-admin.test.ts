import { expect, test } from "vitest";
import { adminOf } from "../../src/kafka/confluent/admin.js";
import type { ConfluentAdmin } from "../../src/kafka/confluent/client.js";

/** Answers for the partitions that it is asked for, as the client does, of which the first has a commit. */
const client = {
  fetchTopicMetadata: async ({ topics }: { topics: string[] }) =>
    topics.map((name) => ({ name, partitions: [{ partitionId: 0 }, { partitionId: 1 }] })),
  fetchOffsets: async ({ topics }: { topics: { topic: string; partitions: number[] }[] }) =>
    topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) =>
        partition === 0
          ? { partition, offset: "7", metadata: "m", error: null }
          : { partition, offset: "-1001", metadata: null, error: topic === "bad" && new Error() },
      ),
    })),
} as unknown as ConfluentAdmin;

test("partitions in which a group has committed nothing are told, too", async () => {
  const offsets = await adminOf(client).fetchOffsets({ groupId: "g", topics: ["a"] });
  const partitions = [
    { partition: 0, offset: "7", metadata: "m" },
    { partition: 1, offset: "-1", metadata: null },
  ];
  expect(offsets).toEqual([{ topic: "a", partitions }]);
});

test("a broker has long to answer: the client would end the process", async () => {
  const asked: { timeout?: number }[] = [];
  const fetchOffsets = async (options: { timeout?: number }) => {
    asked.push(options);
    return [];
  };
  const patient = adminOf({ ...client, fetchOffsets } as unknown as ConfluentAdmin);
  await patient.fetchOffsets({ groupId: "g", topics: ["a"] });
  expect(asked).toMatchObject([{ groupId: "g", timeout: 60_000 }]);
});

test("a partition whose offset isn't known is an error, and not one without a commit", async () => {
  await expect(adminOf(client).fetchOffsets({ groupId: "g", topics: ["bad"] })).rejects.toThrow();
});
