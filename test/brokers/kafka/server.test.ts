import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, test, vi } from "vitest";
import { hasOwnKafka, kafkaClient, ownKafka, uniqueName } from "../../support/kafka.js";

const patience = { timeout: 60_000, interval: 100 };

test("the run's broker makes no topic by itself", async () => {
  const producer = kafkaClient().producer();
  await producer.connect();
  const send = producer.send({ topic: uniqueName(), messages: [{ value: "1" }] });
  await expect(send).rejects.toThrow("does not host this topic-partition");
  await producer.disconnect();
});

describe.runIf(await hasOwnKafka())("a broker of its own", () => {
  test("keeps its port and its data when it is killed, and can be cut off", async () => {
    const broker = await ownKafka();
    const topic = uniqueName();
    await topicsOf(broker.brokers, topic);
    await broker.kill();
    await expect(topicsOf(broker.brokers)).rejects.toThrow();
    await broker.start();
    expect(await topicsOf(broker.brokers)).toContain(topic);

    expect(await topicsOf(broker.proxied)).toContain(topic);
    broker.proxy.refuse();
    await expect(topicsOf(broker.proxied)).rejects.toThrow();
    expect(await topicsOf(broker.brokers)).toContain(topic);
    await broker.stop();
    await expect(topicsOf(broker.brokers)).rejects.toThrow();
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("ends with its process: %s", async (signal) => {
    const script = start("exec scripts/brokers kafka");
    const { brokers } = await saidBy(script);
    await topicsOf(brokers);
    script.kill(signal);
    await vi.waitFor(() => expect(topicsOf(brokers)).rejects.toThrow(), patience);
  });

  test("ends with the parent of its process, unless it is to be kept", async () => {
    const ending = start("scripts/brokers kafka; :");
    const keeping = start("scripts/brokers kafka --keep; :");
    const [ended, kept] = await Promise.all([saidBy(ending), saidBy(keeping)]);
    keeping.kill("SIGKILL");
    ending.kill("SIGKILL");
    try {
      await vi.waitFor(() => expect(topicsOf(ended.brokers)).rejects.toThrow(), patience);
      await topicsOf(kept.brokers);
    } finally {
      process.kill(kept.pid);
    }
    await vi.waitFor(() => expect(topicsOf(kept.brokers)).rejects.toThrow(), patience);
  });
});

function start(command: string): ChildProcess {
  const env = { ...process.env, KAFKA_BROKERS: "" };
  return spawn("/bin/sh", ["-c", command], { env, stdio: ["ignore", "pipe", "inherit"] });
}

/** What the script has printed. */
async function saidBy({ stdout }: ChildProcess) {
  let text = "";
  const last = /kill (\d+)/;
  while (!last.test(text)) text += (await once(stdout ?? expect.fail(), "data"))[0];
  return {
    brokers: /KAFKA_BROKERS=(\S+)/.exec(text)?.[1] ?? expect.fail(text),
    pid: Number(last.exec(text)?.[1]),
  };
}

/** The topics that the broker has, with one more. */
async function topicsOf(brokers: string, ...more: string[]): Promise<string[]> {
  const retry = { retries: 0 };
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry });
  const admin = kafka.admin();
  try {
    await admin.connect();
    if (more.length > 0) await admin.createTopics({ topics: more.map((topic) => ({ topic })) });
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}
