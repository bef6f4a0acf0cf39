import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../scripts/free-port.js";
import { DocExamples } from "./support/doc-examples.js";
import { type TestDatabase, testDatabase } from "./support/postgres.js";

let examples: DocExamples;
let database: TestDatabase;

beforeAll(async () => {
  examples = await DocExamples.of("README.md", await freePort());
  database = await testDatabase();
});

afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test("the quick start delivers what it publishes, and stops", async () => {
  const example = run("quick-start");
  await vi.waitFor(() => {
    expect(example.child.exitCode).toBeNull();
    expect(example.output()).toBe("attempt 1 to welcome ada@example.com\n");
  }, 20_000);
  example.child.kill("SIGTERM");
  expect(await example.exit).toEqual([0, null]);
});

test("the transactional handler's effect is there when its message is handled", async () => {
  const example = run("transactional");
  await vi.waitFor(() => expect(example.output()).toBe("the balance is 10\n"), 20_000);
});

test("the local development example delivers what it publishes, and ends", async () => {
  const example = run("http");
  expect(await example.exit).toEqual([0, null]);
  expect(example.output()).toBe("received user.created\n");
});

function run(name: string) {
  return examples.run(name, { DATABASE_URL: database.url });
}
