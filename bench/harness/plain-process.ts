import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, "bench", ".cache");

let compiling: Promise<void> | undefined;

/** Runs a file of this folder in a process without a loader of TypeScript. Resolves with the message that it sends. */
export async function inPlainProcess<T>(file: string, args: readonly string[]): Promise<T> {
  compiling ??= compile();
  await compiling;
  const child = fork(join(FOLDER, "bench", "harness", `${file}.js`), args, { execArgv: [] });
  const exited = once(child, "exit").then(([code]) => {
    throw new Error(`${file} left without an answer: ${code}.`);
  });
  exited.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), exited]);
  return message;
}

/** Below bench/, where the packages are found. */
async function compile(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const options = ["--noEmit", "false", "--noCheck", "--rootDir", ROOT, "--outDir", FOLDER];
  await promisify(execFile)(process.execPath, [tsc, "-p", ROOT, ...options]);
  await symlink(join(ROOT, "migrations"), join(FOLDER, "migrations"));
}
