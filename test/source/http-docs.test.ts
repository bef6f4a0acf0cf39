import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../../scripts/free-port.js";
import { DocExamples, type Example } from "../support/doc-examples.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

let examples: DocExamples;
let port: number;
let database: TestDatabase;

beforeAll(async () => {
  port = await freePort();
  examples = await DocExamples.of("docs/http.md", port);
  database = await testDatabase();
});

afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test.each(["node", "hono", "fastify"])("%s receives what is published", async (name) => {
  const receiving = run(name);
  await listening(receiving);
  await publish();
  expect(receiving.output()).toBe("received user.created\n");
});

test("the durable form stores what is published", async () => {
  const receiving = run("durable");
  await listening(receiving);
  await publish();
  expect(receiving.output()).toBe("stored user.created\n");
});

test("node stops on SIGTERM", async () => {
  const receiving = run("node");
  await listening(receiving);
  receiving.child.kill("SIGTERM");
  expect(await receiving.exit).toEqual([0, null]);
});

function run(name: string): Example {
  return examples.run(name, { DATABASE_URL: database.url });
}

async function listening({ child, output }: Example): Promise<void> {
  const url = `http://localhost:${port}/_events`;
  await vi.waitFor(async () => {
    expect(`${output()}${child.exitCode ?? ""}`).toBe("");
    expect((await fetch(url)).status).toBe(405);
  }, 20_000);
}

async function publish(): Promise<void> {
  const publishing = run("publish");
  expect(await publishing.exit).toEqual([0, null]);
  expect(publishing.output()).toBe("");
}
