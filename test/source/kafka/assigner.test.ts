import { AssignerProtocol } from "kafkajs";
import { expect, test } from "vitest";
import { assigner } from "../../../src/source/kafka/assigner.js";

const partitions: Record<string, number> = { orders: 4, users: 2 };

/** The partitions of each member, as `kafkajs` reads them; members by the topics that they read. */
async function assign(members: Record<string, string[]>) {
  const added: string[] = [];
  const { protocol, assign: deal } = assigner({
    cluster: {
      addMultipleTargetTopics: async (topics) => {
        added.push(...topics);
      },
      findTopicPartitionMetadata: (topic) =>
        added.includes(topic)
          ? Array.from({ length: partitions[topic] ?? 0 }, (_, partitionId) => ({ partitionId }))
          : [],
    },
  });
  const [leader = []] = Object.values(members);
  const dealt = await deal({
    members: Object.entries(members).map(([memberId, topics]) => {
      return { memberId, memberMetadata: protocol({ topics }).metadata };
    }),
    topics: leader,
  });
  return Object.fromEntries(
    dealt.map(({ memberId, memberAssignment }) => {
      return [memberId, AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment];
    }),
  );
}

test("deals all partitions, about as many to each member", async () => {
  expect(await assign({ a: ["orders", "users"], b: ["orders", "users"] })).toEqual({
    a: { orders: [0, 2], users: [0] },
    b: { orders: [1, 3], users: [1] },
  });
});

test("gives a topic to those alone that read it, also one that the leader doesn't read", async () => {
  expect(await assign({ a: ["orders"], b: ["orders", "users"] })).toEqual({
    a: { orders: [0, 2] },
    b: { orders: [1, 3], users: [0, 1] },
  });
});

test("gives nothing to a member when there are too few, and still answers for it", async () => {
  expect(await assign({ a: ["users"], b: ["users"], c: ["users"] })).toEqual({
    a: { users: [0] },
    b: { users: [1] },
    c: {},
  });
});

test("tells of topics what kafkajs reads and writes", () => {
  const { metadata } = assigner({
    cluster: { addMultipleTargetTopics: async () => {}, findTopicPartitionMetadata: () => [] },
  }).protocol({ topics: ["orders", "Ærø"] });
  expect(AssignerProtocol.MemberMetadata.decode(metadata)).toMatchObject({
    version: 0,
    topics: ["orders", "Ærø"],
  });
});
