import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaDestination } from "../../../src/destination/kafka.js";
import { createMessage } from "../../../src/message/create-message.js";
import { withCode } from "../../message/with-code.js";
import {
  createTopicsOf,
  hasOwnKafka,
  kafkaClient,
  ownKafka,
  type ProxiedBroker,
} from "../../support/kafka.js";

const { signal } = new AbortController();
const MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule";
const NEEDS_PASSWORD = [
  "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:SASL_PLAINTEXT",
  "sasl.enabled.mechanisms=PLAIN",
  `listener.name.proxied.plain.sasl.jaas.config=${MODULE} required user_alice="right";`,
];

describe.runIf(await hasOwnKafka())("a broker that asks for a password", () => {
  let broker: ProxiedBroker;

  beforeAll(async () => {
    broker = await ownKafka(NEEDS_PASSWORD);
    await createTopicsOf(kafkaClient({ brokers: [broker.brokers] }), [{ topic: "a" }]);
  });
  afterAll(() => broker?.stop());

  async function deliver(password: string) {
    const sasl = { mechanism: "plain", username: "alice", password } as const;
    const producer = kafkaClient({ brokers: [broker.proxied], sasl }).producer();
    try {
      await kafkaDestination({ producer }).deliver([createMessage("a", 1)], { signal });
    } finally {
      await producer.disconnect();
    }
  }

  test("takes the right one", () => deliver("right"));

  test("refuses the wrong one, and the error doesn't repeat it", async () => {
    const error = await deliver("my-wrong-one").catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "KAFKA_REFUSED", permanent: false });
    expect(error.message).not.toContain("my-wrong-one");
    await expect(deliver("other")).rejects.toThrow(withCode("KAFKA_REFUSED", "password"));
  });
});
