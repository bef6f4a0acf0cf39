import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DocExamples } from "../support/doc-examples.js";
import { testDatabase } from "../support/postgres.js";

/** Of each page the examples, and the lines that each prints among others, in order. */
const pages: Record<string, [name: string, lines: string[]][]> = {
  "dead-letters": [
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
  ],
  replay: [
    ["late", ['[{"n":2},{"n":3}]']],
    ["seek", ["handled 1,2", "[ { topic: 'item', from: '3', to: '1' } ]", "handled 1,2"]],
    ["replay", ["2 true", "ada", "ada"]],
    ["inspect", ["crm unread", "late passed"]],
  ],
  retention: [
    ["retention", ["kept for 168 h, 1 segment, needed by 0"]],
    ["limit", []],
  ],
};

describe.each(Object.entries(pages))("docs/%s.md", { timeout: 60_000 }, (page, expected) => {
  let examples: DocExamples;
  beforeAll(async () => {
    examples = await DocExamples.of(`docs/${page}.md`);
  });
  afterAll(() => examples.remove());

  test.each(expected)("the example %s prints what it should", async (name, lines) => {
    const database = await testDatabase();
    const { exit, output } = examples.run(name, { DATABASE_URL: database.url });
    const ended = await exit;
    const printed = output().split("\n");
    expect(printed.filter((line) => lines.includes(line))).toEqual(lines);
    expect(ended).toEqual([0, null]);
    await database.drop();
  });
});
