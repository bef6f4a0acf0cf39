import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

let examples: DocExamples;
let database: TestDatabase;

beforeAll(async () => {
  examples = await DocExamples.of("docs/dead-letters.md");
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query("drop schema if exists opinionated_events cascade");
});
afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test.each([
  [
    "redrive",
    [
      "mail gave up user.created at attempt 1: no such template",
      "user.created { id: 7 } no such template 1 0",
      "1 given back",
      "0 left",
    ],
  ],
  ["resume", ["true true"]],
  ["subscribe", ["dead_letter.mail mail no such template"]],
])("the example %s prints what it should", { timeout: 20_000 }, async (name, expected) => {
  const { exit, output } = examples.run(name, { DATABASE_URL: database.url });
  expect(await exit).toEqual([0, null]);
  // The receivers log on the console that a message is dead.
  const lines = output().split("\n");
  expect(lines.filter((line) => expected.includes(line))).toEqual(expected);
});

test("the examples compile", { timeout: 60_000 }, async () => {
  expect(await examples.compile()).toBe("");
});
