import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { kafkaClient } from "../../support/kafka.js";

const run = promisify(execFile);
const TIMEOUT_MS = 180_000;

async function demo(...args: string[]) {
  const env = {
    ...process.env,
    DATABASE_URL: inject("databaseUrl"),
    KAFKA_BROKERS: inject("kafkaBrokers"),
  };
  const all = ["--import", "tsx", "examples/demo/main.ts", "--broker", "kafka", ...args];
  const child = run(process.execPath, all, { env });
  return child.catch(({ code, stdout, stderr }) => ({ code, stdout, stderr }));
}

test("what was committed is handled from Kafka, although the relay and a worker are killed", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { stdout, stderr } = await demo("--messages", "600");
  expect(stderr).toBe("");
  expect(stdout).toContain("Killed the worker of stats");
  expect(stdout).toContain("FATAL: nobody is on call");
  expect(stdout).toContain("RETRIES_EXHAUSTED");
  expect(stdout).toContain("OK: nothing lost, nothing made up.");
  expect(await topicsOfDemos()).toEqual([]);
});

test("a message that is missing in the end makes it fail", { timeout: TIMEOUT_MS }, async () => {
  const sql = "delete from handled where message_id = (select message_id from handled limit 1)";
  expect(await demo("--messages", "60", "--before-check", sql)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("FAILED"),
  });
});

async function topicsOfDemos(): Promise<string[]> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    return (await admin.listTopics()).filter((topic) => topic.includes("demo"));
  } finally {
    await admin.disconnect();
  }
}
