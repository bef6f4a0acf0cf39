import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALLED = "/usr/lib/postgresql";
const NEEDED = ["initdb", "pg_dump", "psql"];

/**
 * A folder with a server's binaries and the clients that belong to them, which npm doesn't install; undefined, with the
 * reason printed, where there is none; in CI there has to be.
 */
export async function findClients(): Promise<string | undefined> {
  const installed = await readdir(INSTALLED).catch(() => []);
  const folders = installed
    .sort((a, b) => Number(b) - Number(a))
    .map((v) => join(INSTALLED, v, "bin"));
  const found = [process.env.POSTGRES_BIN ?? "", ...folders].find((folder) =>
    NEEDED.every((name) => existsSync(join(folder, name))),
  );
  if (found) return found;
  if (process.env.CI) throw new Error("Install postgresql: CI tests with its pg_dump.");
  console.warn("Left out: tests with pg_dump, which is not installed (apt install postgresql).");
  return undefined;
}

/** Copies a database, as its dump is, into an empty one. */
export async function dumpAndRestore(bin: string, from: string, to: string): Promise<void> {
  const { stdout } = await run(join(bin, "pg_dump"), ["-d", from], { maxBuffer: 1 << 28 });
  const psql = run(join(bin, "psql"), ["-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", to]);
  psql.child.stdin?.end(stdout);
  await psql;
}
