import { afterAll, beforeAll, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

let examples: DocExamples;
let database: TestDatabase;

beforeAll(async () => {
  examples = await DocExamples.of("docs/publishing.md");
  database = await testDatabase();
});

afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test.each([
  ["dedup", "stored\nduplicate\n"],
  ["ordered", "in the order of their commits\n"],
])("the example %s prints what it should", async (name, expected) => {
  const { exit, output } = examples.run(name, { DATABASE_URL: database.url });
  expect(await exit).toEqual([0, null]);
  expect(output()).toBe(expected);
});
