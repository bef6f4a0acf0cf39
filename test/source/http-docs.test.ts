import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../scripts/free-port.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

const MARKED_BLOCK = /<!-- run: (\S+) -->\n```ts\n(.*?)```/gs;

let folder: string;
let port: number;
let database: TestDatabase;

beforeAll(async () => {
  await mkdir(".cache", { recursive: true });
  folder = await mkdtemp(resolve(".cache/http-docs-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  port = await freePort();
  const docs = await readFile("docs/http.md", "utf8");
  for (const [, name, code] of docs.matchAll(MARKED_BLOCK)) {
    await writeFile(join(folder, `${name}.ts`), `${code}`.replaceAll("8080", String(port)));
  }
  database = await testDatabase();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});

test.each(["node", "hono", "fastify"])("%s receives what is published", async (name) => {
  const receiving = run(name);
  await listening(receiving);
  await publish();
  expect(receiving.output()).toBe("received user.created\n");
});

test("the durable form stores what is published", async () => {
  const receiving = run("durable");
  await listening(receiving);
  await publish();
  expect(receiving.output()).toBe("stored user.created\n");
});

test("node stops on SIGTERM", async () => {
  const receiving = run("node");
  await listening(receiving);
  receiving.child.kill("SIGTERM");
  expect(await receiving.exit).toEqual([0, null]);
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
  const child = spawn(process.execPath, ["--import", "tsx", join(folder, `${name}.ts`)], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
  const chunks: string[] = [];
  child.stdout.on("data", (chunk) => chunks.push(String(chunk)));
  child.stderr.on("data", (chunk) => chunks.push(String(chunk)));
  const exit = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return { child, output: () => chunks.join(""), exit };
}

async function listening({ child, output }: Example): Promise<void> {
  const url = `http://localhost:${port}/_events`;
  await vi.waitFor(async () => {
    expect(`${output()}${child.exitCode ?? ""}`).toBe("");
    expect((await fetch(url)).status).toBe(405);
  }, 20_000);
}

async function publish(): Promise<void> {
  const publishing = run("publish");
  expect(await publishing.exit).toEqual([0, null]);
  expect(publishing.output()).toBe("");
}
