import type { ITopicConfig } from "kafkajs";
import { kafkaDestination } from "../../../src/destination/kafka.js";
import { fromRecord } from "../../../src/kafka/record.js";
import type { DestinationImplementation } from "../../../src/testing.js";
import { createTopics, proxiedKafka, uniqueName } from "../../support/kafka.js";
import { recordsOf } from "../../support/kafka-records.js";

const A_LOG = "a topic is a log: it keeps what it is given, and looks for no ids in it";
export const remembersNoIds = {
  "keeps an id once that comes twice in one call": A_LOG,
  "keeps an id once that comes in concurrent calls": A_LOG,
  "keeps the first message of an id": A_LOG,
  "tells a duplicate from what is new, if it tells anything": A_LOG,
};

/** A topic of one partition, which takes a message of some megabytes. */
export const roomy = (topic: string): ITopicConfig => ({
  topic,
  numPartitions: 1,
  configEntries: [{ name: "max.message.bytes", value: "4000000" }],
});

export const kafkajs: DestinationImplementation = {
  name: "kafka, with kafkajs",
  capabilities: { ordered: true, maxBatch: 1_000 },
  leavesOut: remembersNoIds,
  async open() {
    const topic = uniqueName();
    await createTopics(roomy(topic));
    const { kafka, proxy } = await proxiedKafka();
    const producer = kafka.producer();
    return {
      destination: kafkaDestination({ producer, topicOf: () => topic }),
      received: async () => (await recordsOf(topic)).map(fromRecord),
      outage: { begin: async () => proxy.refuse(), end: async () => proxy.up() },
      async close() {
        await producer.disconnect();
        await proxy.close();
      },
    };
  },
};
