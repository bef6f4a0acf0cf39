import type { KafkaAdmin } from "../client.js";
import { settledLeaders } from "../settled-leaders.js";
import type { ConfluentAdmin } from "./client.js";

/**
 * A broker has so long to say what a group has committed. The client ends the process by an assertion when this time is over
 * before the answer is there (seen with 1.10.1), and a disconnect waits for it.
 */
const OFFSETS_MS = 60_000;

/** An admin as `kafkajs` has it. */
export function adminOf(admin: ConfluentAdmin): KafkaAdmin {
  return {
    connect: () => admin.connect(),
    disconnect: () => admin.disconnect(),
    listTopics: () => admin.listTopics(),
    createTopics: ({ topics }) => admin.createTopics({ topics }),
    fetchTopicMetadata: (options) => admin.fetchTopicMetadata(options),
    fetchTopicOffsets: (topic) => admin.fetchTopicOffsets(topic),
    fetchTopicOffsetsByTimestamp: (topic, timestamp) =>
      admin.fetchTopicOffsetsByTimestamp(topic, timestamp),
    async fetchOffsets({ groupId, topics = [] }) {
      if (topics.length === 0) return [];
      const found = await settledLeaders(() => admin.fetchTopicMetadata({ topics }));
      const places = found.map(({ name, partitions }) => {
        return { topic: name, partitions: partitions.map(({ partitionId }) => partitionId) };
      });
      const offsets = await admin.fetchOffsets({ groupId, topics: places, timeout: OFFSETS_MS });
      return offsets.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, offset, metadata, error }) => {
          if (error) throw error;
          return {
            partition,
            offset: Number(offset) < 0 ? "-1" : offset,
            metadata: metadata ?? null,
          };
        }),
      }));
    },
  };
}
