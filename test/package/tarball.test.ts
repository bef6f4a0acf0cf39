import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "opinionated-events-package-"));
  installed = join(folder, "node_modules/opinionated-events");
  await writeFile(join(folder, "package.json"), "{}");
  install(pack(), ...(await ownDependencies()));
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("the package holds the build, the migrations and its papers, and no source", async () => {
  const names = await readdir(installed);
  expect(names.sort()).toEqual(["LICENSE", "README.md", "dist", "migrations", "package.json"]);
  expect(await readdir(join(installed, "migrations"))).toEqual(await readdir("migrations"));
});

test("a database driver is not installed with it", () => {
  expect(existsSync(installed)).toBe(true);
  expect(existsSync(join(folder, "node_modules/pg"))).toBe(false);
  expect(existsSync(join(folder, "node_modules/pg-listen"))).toBe(false);
});

test.each([
  ["import", "module", 'import * as events from "opinionated-events";'],
  ["require", "commonjs", 'const events = require("opinionated-events");'],
])("%s loads it without a driver", (_, type, load) => {
  const run = node(type, `${load} console.log(typeof events.Publisher, typeof events.Receiver);`);
  expect(run).toEqual({ status: 0, stdout: "function function\n", stderr: "" });
});

test("the Postgres half says which package it misses", () => {
  const { status, stderr } = node("module", 'import "opinionated-events/postgres";');
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/Cannot find package 'pg(-listen)?'/);
});

test("the command line runs from the package, and its configuration in TypeScript finds it", async () => {
  const env = { ...process.env, DATABASE_URL: "postgres://localhost/x" };
  const npx = (...args: string[]) => {
    const all = ["--no-install", "opinionated-events", ...args];
    return spawnSync("npx", all, { cwd: folder, encoding: "utf8", env });
  };
  const init = npx("config", "init", "--format", "ts");
  expect(init).toMatchObject({
    status: 0,
    stdout: "opinionated-events.config.ts is written.\n",
  });
  const missing = npx("config", "verify", "--connect");
  expect(missing.status).toBe(1);
  expect(missing.stdout).toBe("The configuration is valid.\n");
  expect(missing.stderr).toMatch(/PACKAGE_MISSING: .* run "npm install pg(-listen)?"/);
});

test("its types serve import and require", async () => {
  const code = 'import { Publisher } from "opinionated-events";\nexport const Mine = Publisher;\n';
  await writeFile(join(folder, "a.mts"), code);
  await writeFile(join(folder, "b.cts"), code);
  const tsc = resolve("node_modules/typescript/bin/tsc");
  const types = ["--types", "node", "--typeRoots", resolve("node_modules/@types")];
  const args = ["--noEmit", "--strict", "--module", "nodenext", ...types, "a.mts", "b.cts"];
  const run = spawnSync(process.execPath, [tsc, ...args], { cwd: folder, encoding: "utf8" });
  expect(run.stdout).toBe("");
  expect(run.status).toBe(0);
});

test("publint finds nothing", async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
  expect(messages).toEqual([]);
});

test("every file directly in src is an entry point", async () => {
  const { exports } = JSON.parse(await readFile("package.json", "utf8"));
  const sources = (await readdir("src")).filter((name) => name.endsWith(".ts"));
  const names = sources.map((name) => `./${name.replace(/\.ts$/, "")}`.replace("./index", "."));
  expect(Object.keys(exports).sort()).toEqual(names.sort());
});

function pack(): string {
  const output = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    encoding: "utf8",
  });
  return join(folder, output.trim().split("\n").at(-1) ?? "");
}

/** From our own node_modules, so that no registry is asked. */
async function ownDependencies(): Promise<string[]> {
  const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));
  return Object.keys(dependencies).map((name) => resolve("node_modules", name));
}

function install(...packages: string[]): void {
  const args = ["install", "--offline", "--install-links", "--ignore-scripts", ...packages];
  execFileSync("npm", args, { cwd: folder, stdio: "pipe" });
}

function node(type: string, code: string) {
  const args = [`--input-type=${type}`, "-e", code];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}
