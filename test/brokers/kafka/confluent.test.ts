import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaDestination } from "../../../src/destination/kafka.js";
import { fromRecord } from "../../../src/kafka/record.js";
import { createMessage } from "../../../src/message/create-message.js";
import {
  type ContractReport,
  contractTable,
  type DestinationImplementation,
  destinationContract,
} from "../../../src/testing.js";
import { withCode } from "../../message/with-code.js";
import { findConfluent } from "../../support/confluent.js";
import {
  createTopicsOf,
  hasOwnKafka,
  kafkaClient,
  ownKafka,
  type ProxiedBroker,
  uniqueName,
} from "../../support/kafka.js";
import { recordsOf } from "../../support/kafka-records.js";
import { remembersNoIds, roomy } from "./destinations.js";

const { signal } = new AbortController();
const Confluent = (await hasOwnKafka()) ? findConfluent() : undefined;

/** So that it gives up soon, and finds its way back soon. */
const HASTY = {
  "message.max.bytes": 4_000_000,
  "message.timeout.ms": 2_000,
  "reconnect.backoff.max.ms": 100,
  "topic.metadata.propagation.max.ms": 0,
};

describe.runIf(Confluent)("@confluentinc/kafka-javascript", () => {
  const reports: ContractReport[] = [];
  let broker: ProxiedBroker;

  beforeAll(async () => {
    broker = await ownKafka();
  });

  afterAll(async () => {
    console.log(contractTable(reports));
    await broker?.stop();
  });

  const direct = () => kafkaClient({ brokers: [broker.brokers] });

  /** The client has no way of its own through a proxy: the broker sends it there. */
  async function connected(kafkaJS: object = {}) {
    const Kafka = Confluent ?? expect.fail();
    const kafka = new Kafka({ kafkaJS: { brokers: [broker.proxied], logLevel: 0 } });
    const producer = kafka.producer({ kafkaJS, ...HASTY });
    await producer.connect();
    return producer;
  }

  const implementation: DestinationImplementation = {
    name: "kafka, with @confluentinc/kafka-javascript",
    capabilities: { ordered: true, maxBatch: 1_000 },
    leavesOut: remembersNoIds,
    async open() {
      const topic = uniqueName();
      await createTopicsOf(direct(), [roomy(topic)]);
      const producer = await connected();
      return {
        destination: kafkaDestination({ producer, topicOf: () => topic }),
        received: async () => (await recordsOf(topic, direct())).map(fromRecord),
        outage: {
          begin: async () => broker.proxy.refuse(),
          end: async () => broker.proxy.up(),
        },
        async close() {
          broker.proxy.up();
          await producer.disconnect();
        },
      };
    },
  };

  describe("destination", () => {
    reports.push(destinationContract(test, implementation));
  });

  test("an idempotent producer loses nothing after a request that failed in part", async () => {
    const topic = uniqueName();
    await createTopicsOf(direct(), [{ topic, numPartitions: 3 }]);
    const producer = await connected({ idempotent: true });
    const { deliver } = kafkaDestination({ producer });
    const payloads = [1, "x".repeat(2_000_000), 2];
    const batch = payloads.map((n) => createMessage("a", n, { topic, key: `${n}`.slice(0, 9) }));
    const results = (await deliver(batch, { signal })) ?? [];
    expect(results.map(({ status }) => status)).toEqual(["accepted", "failed", "accepted"]);
    expect(results[1]).toMatchObject({ error: { code: "MESSAGE_TOO_LARGE", permanent: true } });
    const more = [3, 4, 5].map((n) => createMessage("a", n, { topic, key: `${n}` }));
    for (const message of more) await deliver([message], { signal });
    const records = (await recordsOf(topic, direct())).map(fromRecord);
    expect(records.map(({ payload }) => payload).sort()).toEqual([1, 2, 3, 4, 5]);
    await producer.disconnect();
  });

  test("a missing topic is named", async () => {
    const producer = await connected();
    const topic = uniqueName("missing");
    const delivery = kafkaDestination({ producer }).deliver([createMessage("a", 1, { topic })], {
      signal,
    });
    await expect(delivery).rejects.toThrow(withCode("UNKNOWN_TOPIC", topic));
    await producer.disconnect();
  });
});
