import { afterAll, describe, expect, test } from "vitest";
import { kafkaSource } from "../../../src/source/kafka/source.js";
import {
  type ContractReport,
  contractTable,
  type SourceImplementation,
  sourceContract,
} from "../../../src/testing.js";
import { type Client, clients } from "./clients.js";
import { kafkaPlace } from "./place.js";

const NO_SUBSCRIPTIONS = "Kafka keeps no subscriptions: what a process doesn't ask for is passed";

function kafka(
  { client, kafka }: Client,
  numPartitions: number,
  leavesOut: SourceImplementation["leavesOut"],
) {
  return {
    name: `kafka, with ${client}, ${numPartitions} partition${numPartitions === 1 ? "" : "s"}`,
    leavesOut: {
      "delivers a message once that was published twice": "Kafka keeps both, and looks at no id",
      "parks what no handler takes, visibly, and goes on": NO_SUBSCRIPTIONS,
      "delivers what was parked once a handler is there": NO_SUBSCRIPTIONS,
      ...leavesOut,
    },
    async open() {
      const topics = ["thing", "other", "other.topic"];
      const place = await kafkaPlace(topics, { numPartitions, sourceKafka: kafka() });
      return {
        source: (options) => kafkaSource({ ...place.options, ...options }),
        publish: place.publish,
        dead: place.dead,
        parked: async () => [],
        close: place.close,
      };
    },
  } satisfies SourceImplementation;
}

const reports: ContractReport[] = [];

afterAll(() => console.log(contractTable(reports)));

const implementations = clients.flatMap((client) => [
  kafka(client, 1, {
    "lets the workers of one queue compete": "a partition is read by one process at a time",
  }),
  kafka(client, 4, {
    "delivers in the order of publishing to one worker": "order is kept within a partition",
  }),
]);

describe.concurrent.each(implementations)("source $name", (implementation) => {
  reports.push(sourceContract(test, implementation));
});

test("every case ran that was not left out for a reason", () => {
  const results = reports.flatMap((report) => report.results);
  expect(results.filter(({ outcome }) => outcome === "not run" || outcome === "failed")).toEqual(
    [],
  );
});
