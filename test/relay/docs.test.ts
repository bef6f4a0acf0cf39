import { afterAll, beforeAll, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

let examples: DocExamples;
let database: TestDatabase;

beforeAll(async () => {
  examples = await DocExamples.of("docs/relay.md");
  database = await testDatabase();
});

afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test("the example relay hands on what was published in a transaction", async () => {
  const { exit, output } = examples.run("relay", { DATABASE_URL: database.url });
  expect(await exit).toEqual([0, null]);
  expect(output()).toContain("order.paid arrived under its own id: true\n");
  expect(output()).toMatch(/relayed: 1,.*held: 0,\s+lagMs: 0,\s+breaker: 'closed'/s);
});

test("the example supervisor runs a receiver and a relay", async () => {
  const { exit, output } = examples.run("supervisor");
  expect(await exit).toEqual([0, null]);
  expect(output()).toContain("a mail for user.created\n");
  expect(output()).toContain('"name":"order.paid"');
  expect(output()).toContain("aborted: 0");
});
