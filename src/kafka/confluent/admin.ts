import type { KafkaAdmin } from "../client.js";
import { settledLeaders } from "../settled-leaders.js";
import type { ConfluentAdmin } from "./client.js";

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
      const offsets = await admin.fetchOffsets({ groupId, topics: places });
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
