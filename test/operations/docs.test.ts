import { afterAll, beforeAll, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";
import { testDatabase } from "../support/postgres.js";

let examples: DocExamples;
beforeAll(async () => {
  examples = await DocExamples.of("docs/replay.md");
});
afterAll(() => examples.remove());

test.each([
  ["late", '[{"n":2},{"n":3}]\n'],
  ["seek", "handled 1,2\n[ { topic: 'item', from: '3', to: '1' } ]\nhandled 1,2\n"],
  ["replay", "2 true\nada\nada\n"],
  ["inspect", "crm unread\nlate passed\n"],
])("the example %s prints what it should", async (name, expected) => {
  const database = await testDatabase();
  const { exit, output } = examples.run(name, { DATABASE_URL: database.url });
  const ended = await exit;
  expect(output()).toBe(expected);
  expect(ended).toEqual([0, null]);
  await database.drop();
});

test("the examples compile", async () => {
  expect(await examples.compile()).toBe("");
});
