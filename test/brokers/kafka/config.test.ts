import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../../src/config.js";
import { createMessage } from "../../../src/message/create-message.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { run, start } from "../../cli/support.js";
import { folderOf } from "../../config/support.js";
import { silent } from "../../receiver/support.js";
import { createTopics, kafkaBrokers, uniqueName } from "../../support/kafka.js";
import { migratedDatabase, type TestDatabase } from "../../support/postgres.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database.drop());

test("the command line relays from Postgres to Kafka, where the same file's source reads it", async () => {
  const prefix = `${uniqueName("config")}.`;
  await createTopics(`${prefix}order`);
  const cluster = { kind: "kafka", brokers: kafkaBrokers(), topicPrefix: prefix };
  const folder = await folderOf({
    defaults: { publisher: "orders", source: "kafka" },
    publishers: {
      orders: { bridge: "sync", destinations: ["outbox"] },
      direct: { bridge: "sync", destinations: ["kafka"] },
    },
    destinations: { outbox: { kind: "postgres", connectionString: database.url }, kafka: cluster },
    sources: {
      outbox: { kind: "postgres", connectionString: database.url, intervalMs: 50 },
      kafka: { ...cluster, groupPrefix: prefix, createTopics: {} },
    },
    relays: { "to-kafka": { from: "outbox", to: "kafka", queue: "to-kafka", startAt: "earliest" } },
  });

  const verified = await run(folder, ["config", "verify", "--connect"]);
  expect(verified).toMatchObject({ code: 0, err: "" });
  expect(verified.out).toContain("ok      destination kafka (kafka)");

  const events = await loadConfig({ folder });
  onTestFinished(() => events.close());
  const { id } = await events.publisher().publishOne(createMessage("order.placed", { n: 1 }));
  const relaying = start(folder, ["relay", "--all"]);
  const handled: string[] = [];
  const receiver = new Receiver({ source: events.source(), logger: silent });
  receiver.queue("mails", { startAt: "earliest" });
  receiver.on("mails", "order.placed", ({ message }) => handled.push(message.id));
  await receiver.start();
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual([id]);
  relaying.child.kill("SIGTERM");
  expect(await relaying.exit).toMatchObject({ code: 0, err: "" });

  const direct = await events.publisher("direct").publishOne(createMessage("order.placed", {}));
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual([id, direct.id]);
  await receiver.stop();
});
