import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { validate } from "../../src/config/validate.js";
import { parseYaml } from "../../src/config/yaml.js";
import { DocExamples } from "../support/doc-examples.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";
import { optionTables } from "./option-tables.js";

let database: TestDatabase;
let examples: DocExamples;
beforeAll(async () => {
  database = await migratedDatabase();
  examples = await DocExamples.of("docs/configuration.md");
});
afterAll(async () => {
  await examples.remove();
  await database.drop();
});

test("the page has every option, as the schema has it", async () => {
  const page = await readFile("docs/configuration.md", "utf8");
  const [, tables] = /<!-- options -->\n(.*)<!-- \/options -->/s.exec(page) ?? [];
  expect(tables?.trim()).toBe(optionTables());
});

test("the example runs with the page's file", async () => {
  const page = await readFile("docs/configuration.md", "utf8");
  const [, file = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const env = { DATABASE_URL: database.url, TOKEN: "secret" };
  expect(Object.keys(validate("page", parseYaml("page", file).toJS(), env).relays)).toEqual([
    "to-web",
  ]);
  await writeFile(join(examples.folder, "opinionated-events.config.yaml"), file);
  const { child, exit, output } = examples.run("service", env);
  await vi.waitFor(() => expect(output()).toBe("received order.placed\n"), 20_000);
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});
