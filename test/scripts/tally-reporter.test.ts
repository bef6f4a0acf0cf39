import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const VITEST = resolve("node_modules/vitest/vitest.mjs");
const CONFIG = `
  import { TallyReporter } from "${resolve("test/support/tally-reporter.ts")}";
  export default { test: { reporters: ["default", new TallyReporter()] } };
`;

let folder: string;

beforeAll(async () => {
  await mkdir(".cache", { recursive: true });
  folder = await mkdtemp(resolve(".cache/tally-"));
  await writeFile(join(folder, "vitest.config.ts"), CONFIG);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["tests", "test('a', () => {}); test('b', () => { throw new Error(); });", "1 passed, 1 failed"],
  ["a skipped test", "test('a', () => {}); test.skip('b', () => {});", "1 passed, 0 failed"],
  ["a file that can't be loaded", "throw new Error();", "0 passed, 1 failed"],
  [
    "a hook that fails",
    "afterAll(() => { throw new Error(); }); test('a', () => {});",
    "1 passed, 1 failed",
  ],
  [
    "a suite's hook that fails",
    "describe('s', () => { afterAll(() => { throw new Error(); }); test('a', () => {}); });",
    "1 passed, 1 failed",
  ],
  ["an error outside", "test('a', () => { Promise.reject(new Error()); });", "1 passed, 1 failed"],
])("counts %s", async (_, body, line) => {
  const imports = 'import { afterAll, describe, test } from "vitest";';
  await writeFile(join(folder, "one.test.ts"), `${imports}\n${body}\n`);
  expect(await lastLine()).toBe(line);
});

test("names what failed", async () => {
  await writeFile(
    join(folder, "one.test.ts"),
    'import { test } from "vitest"; test("b", () => { throw new Error("no"); });',
  );
  expect(await lines()).toContain("FAILED one.test.ts > b: no");
});

async function lastLine(): Promise<string | undefined> {
  return (await lines()).at(-1);
}

async function lines(): Promise<string[]> {
  const run = spawnSync(process.execPath, [VITEST, "run"], { cwd: folder, encoding: "utf8" });
  return run.stdout.trim().split("\n");
}
