import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../scripts/free-port.js";
import { type TestDatabase, testDatabase } from "./support/postgres.js";

const MARKED_BLOCK = /<!-- run: (\S+) -->\n```ts\n(.*?)```/gs;

let folder: string;
let database: TestDatabase;

beforeAll(async () => {
  await mkdir(".cache", { recursive: true });
  folder = await mkdtemp(resolve(".cache/readme-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const readme = await readFile("README.md", "utf8");
  const port = String(await freePort());
  for (const [, name, code] of readme.matchAll(MARKED_BLOCK)) {
    await writeFile(file(`${name}`), `${code}`.replaceAll("8080", port));
  }
  database = await testDatabase();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
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

test("the local development example delivers what it publishes, and ends", async () => {
  const example = run("http");
  expect(await example.exit).toEqual([0, null]);
  expect(example.output()).toBe("received user.created\n");
});

test("the examples compile", async () => {
  const config = { extends: resolve("tsconfig.json"), include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
  expect(tsc.stdout).toBe("");
  expect(tsc.status).toBe(0);
});

interface Example {
  readonly child: ChildProcess;
  /** What it printed so far, errors included. */
  output(): string;
  readonly exit: Promise<unknown[]>;
}

function run(name: string): Example {
  const child = spawn(process.execPath, ["--import", "tsx", file(name)], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const chunks: string[] = [];
  child.stdout.on("data", (chunk) => chunks.push(String(chunk)));
  child.stderr.on("data", (chunk) => chunks.push(String(chunk)));
  return { child, output: () => chunks.join(""), exit: once(child, "close") };
}

function file(name: string): string {
  return join(folder, `${name}.ts`);
}
