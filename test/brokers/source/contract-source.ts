import type { KafkaSourceOptions } from "../../../src/source/kafka/options.js";
import { kafkaSource } from "../../../src/source/kafka/source.js";
import type { SourceImplementation } from "../../../src/testing.js";
import { kafkaPlace } from "./place.js";

const NO_SUBSCRIPTIONS = "Kafka keeps no subscriptions: what a process doesn't ask for is passed";
const always = {
  "delivers a message once that was published twice": "Kafka keeps both, and looks at no id",
  "parks what no handler takes, visibly, and goes on": NO_SUBSCRIPTIONS,
  "delivers what was parked once a handler is there": NO_SUBSCRIPTIONS,
};
const one = {
  "lets the workers of one queue compete": "a partition is read by one process at a time",
};
const several = {
  "delivers in the order of publishing to one worker": "order is kept within a partition",
};

/** A Kafka source for its contract, with the client that is given, or else `kafkajs`. */
export function contractSource(
  client: string,
  numPartitions: 1 | 4,
  kafka?: KafkaSourceOptions["kafka"],
): SourceImplementation {
  return {
    name: `kafka, with ${client}, ${numPartitions} partition${numPartitions === 1 ? "" : "s"}`,
    leavesOut: { ...always, ...(numPartitions === 1 ? one : several) },
    async open() {
      const place = await kafkaPlace(["thing", "other", "other.topic"], { numPartitions });
      const own = kafka ? { ...place.options, kafka } : place.options;
      return {
        source: (options) => kafkaSource({ ...own, ...options }),
        publish: place.publish,
        dead: place.dead,
        parked: async () => [],
        close: place.close,
      };
    },
  };
}
