import { afterAll, beforeAll, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";

let examples: DocExamples;

beforeAll(async () => {
  examples = await DocExamples.of("docs/testing.md");
});

afterAll(() => examples.remove());

test.each([
  ["memory", "# pass 1\n"],
  ["contract", "destination  list            33     19      0       0        14\n"],
])("the example %s passes its tests", async (name, expected) => {
  const { exit, output } = examples.run(name, {}, "--test-reporter", "tap");
  expect(await exit).toEqual([0, null]);
  expect(output()).toContain(expected);
  expect(output()).toContain("# fail 0\n");
});
