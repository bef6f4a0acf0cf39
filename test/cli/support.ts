import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { inTree } from "../support/in-tree.js";

/** A command line that runs; the test's end ends it. */
export interface Running {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  readonly exit: Promise<{
    readonly code: number | null;
    readonly out: string;
    readonly err: string;
  }>;
}

/** Starts `opinionated-events` with these arguments. */
export function start(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [inTree("src/cli.js"), ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.on("data", (chunk) => out.push(String(chunk)));
  child.stderr.on("data", (chunk) => err.push(String(chunk)));
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  const exit = closed.then(([code]) => ({ code, out: out.join(""), err: err.join("") }));
  return { child, stdout: () => out.join(""), stderr: () => err.join(""), exit };
}

/** Runs it to its end. */
export function run(cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
  return start(cwd, args, env).exit;
}
