import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import pg from "pg";
import { expect, inject, test, vi } from "vitest";

const TIMEOUT_MS = 120_000;

vi.setConfig({ testTimeout: TIMEOUT_MS });

/** Fails every import of a database driver. */
const NO_DRIVER = `data:text/javascript,${encodeURIComponent(`
  import { register } from "node:module";
  const hook = "export function resolve(name, context, next) {" +
    "if (name.startsWith('pg')) throw new Error('driver imported: ' + name);" +
    "return next(name, context); }";
  register("data:text/javascript," + encodeURIComponent(hook));
`)}`;

test("all that was committed is handled, although a worker is killed", async () => {
  const { code, output } = await demo(["--messages", "600"]).ended();
  expect(output).toContain("Killed the worker of stats");
  expect(output).toContain("OK: nothing lost, nothing made up.");
  expect(output).toContain("FATAL: nobody is on call");
  expect(output).toContain("RETRIES_EXHAUSTED");
  expect(code).toBe(0);
});

test("a message that is missing in the end makes it fail", async () => {
  const sql = "delete from handled where message_id = (select message_id from handled limit 1)";
  const { code, output } = await demo(["--messages", "60", "--before-check", sql]).ended();
  expect(output).toContain("FAILED");
  expect(code).toBe(1);
});

test("Ctrl-C stops all that it started", async () => {
  const { child, output: written, ended } = demo(["--messages", "100000"]);
  await vi.waitUntil(() => written().includes("committed"), { timeout: TIMEOUT_MS });
  expect(livingIn(child.pid).filter((line) => line.includes("examples/demo/"))).toHaveLength(5);
  expect(await databaseName()).toBeDefined();
  child.kill("SIGINT");
  const { code, output } = await ended();
  expect(output).toContain("Stopped by SIGINT");
  expect(code).toBe(1);
  expect(await databaseName()).toBeUndefined();
});

test("runs over HTTP without a database driver", async () => {
  const { code, output } = await demo(["--local", "--messages", "200"], NO_DRIVER).ended();
  expect(output).toContain("failed and were sent again");
  expect(output).toContain("OK: nothing lost, nothing made up.");
  expect(code).toBe(0);
});

test.each([
  ["--messages", "0"],
  ["--local", "--before-check", "select 1"],
  ["--local", "--broker", "kafka"],
  ["--broker", "pigeons"],
  ["--nonsense"],
])("refuses %s %s %s", async (...args) => {
  const { code, output } = await demo(args.filter((arg) => arg !== undefined)).ended();
  expect(output).toContain("npm run demo --");
  expect(code).toBe(2);
});

/** In a process group of its own, of which nothing must be left. */
function demo(args: string[], preload?: string) {
  const imports = ["tsx", ...(preload ? [preload] : [])].flatMap((module) => ["--import", module]);
  const child = spawn(process.execPath, [...imports, "examples/demo/main.ts", ...args], {
    env: { ...process.env, DATABASE_URL: inject("databaseUrl") },
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
  }
  const close = once(child, "close");
  const ended = async () => {
    const [code] = await close;
    await vi.waitFor(() => expect(livingIn(child.pid)).toEqual([]), 10_000);
    return { code, output };
  };
  return { child, output: () => output, ended };
}

/** The processes of a group, those aside that have ended and wait for their parent. */
function livingIn(group: number | undefined): string[] {
  const lines = execFileSync("ps", ["-eo", "pgid=,stat=,args="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => new RegExp(`^ *${group} +[^Z]`).test(line));
}

/** Of a demo's database; undefined if there is none. */
async function databaseName(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: inject("databaseUrl") });
  await client.connect();
  const { rows } = await client.query(
    "select datname from pg_database where datname like 'opinionated_events_demo_%'",
  );
  await client.end();
  return rows[0]?.datname;
}
