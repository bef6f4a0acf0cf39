import type { KafkaAssigner } from "../../kafka/client.js";
import { decodeTopics, encodeAssignment, encodeTopics } from "./group-protocol.js";

const NAME = "RoundRobinAssigner";
const VERSION = 0;

/**
 * Deals the partitions of each topic to the members that read it. It stands in for the client's own assigner of that name and
 * protocol, which gives partitions also to members that don't read their topic, and none of the topics that the group's
 * leader doesn't read: as while a service is deployed whose new version reads one topic more.
 */
export const assigner: KafkaAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,
  async assign({ members }) {
    const readers = readersOf(members);
    await cluster.addMultipleTargetTopics([...readers.keys()]);
    const hands = new Map(
      members.map(({ memberId }) => [memberId, {} as Record<string, number[]>]),
    );
    let turn = 0;
    for (const [topic, ids] of readers) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const hand = hands.get(ids[turn % ids.length] as string) ?? {};
        hand[topic] = [...(hand[topic] ?? []), partitionId];
        turn += 1;
      }
    }
    return [...hands].map(([memberId, hand]) => ({
      memberId,
      memberAssignment: encodeAssignment(VERSION, hand),
    }));
  },
  protocol: ({ topics }) => ({ name: NAME, metadata: encodeTopics(VERSION, topics) }),
});

/** The members that read each topic; the same for whoever leads. */
function readersOf(
  members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
): Map<string, string[]> {
  const reads = members
    .map(({ memberId, memberMetadata }) => ({ memberId, topics: decodeTopics(memberMetadata) }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const topics = [...new Set(reads.flatMap((member) => member.topics))].sort();
  return new Map(
    topics.map((topic) => [
      topic,
      reads.filter((member) => member.topics.includes(topic)).map(({ memberId }) => memberId),
    ]),
  );
}
