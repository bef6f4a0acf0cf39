import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const MARKED_BLOCK = /<!-- run: (\S+) -->\n```ts\n(.*?)```/gs;

let folder: string;

beforeAll(async () => {
  await mkdir(".cache", { recursive: true });
  folder = await mkdtemp(resolve(".cache/testing-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const page = await readFile("docs/testing.md", "utf8");
  for (const [, name, code] of page.matchAll(MARKED_BLOCK)) {
    await writeFile(join(folder, `${name}.ts`), `${code}`);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["memory", "# pass 1\n"],
  ["contract", "destination  list            28     19      0       0        9\n"],
])("the example %s passes its tests", (name, output) => {
  const { status, stdout } = run(name);
  expect(stdout).toContain(output);
  expect(stdout).toContain("# fail 0\n");
  expect(status).toBe(0);
});

test("the examples compile", async () => {
  const config = { extends: resolve("tsconfig.json"), include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
  expect(tsc.stdout).toBe("");
  expect(tsc.status).toBe(0);
});

function run(name: string) {
  const args = ["--import", "tsx", "--test-reporter", "tap", join(folder, `${name}.ts`)];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}
