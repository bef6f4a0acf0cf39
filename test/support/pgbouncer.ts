import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../scripts/free-port.js";
import { giveAway, unprivilegedAccount } from "../../scripts/postgres-account.js";

const run = promisify(execFile);
/** Debian keeps it where a user's path doesn't lead. */
const PATH = `${process.env.PATH}:/usr/sbin`;

/** Ends with its input, and so with whoever started it. */
const SCRIPT = `
  pgbouncer -q "$1/pgbouncer.ini" &
  cat >/dev/null
  kill $!
  wait
  rm -rf "$1"
`;

export interface PgBouncer {
  readonly url: string;
  stop(): Promise<void>;
}

/** False, with the reason printed, where it is not installed; in CI it has to be. */
export async function hasPgBouncer(): Promise<boolean> {
  try {
    await run("pgbouncer", ["--version"], { env: { PATH } });
    return true;
  } catch (error) {
    if (process.env.CI) throw new Error("Install pgbouncer: CI tests with it.", { cause: error });
    console.warn("Left out: tests with PgBouncer, which is not installed (apt install pgbouncer).");
    return false;
  }
}

/** PgBouncer in transaction mode before a database, with two server connections at the most, on a free port of 127.0.0.1. */
export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const account = await unprivilegedAccount();
  const folder = await mkdtemp(join(tmpdir(), "opinionated-events-pgbouncer-"));
  const port = await freePort();
  const url = new URL(databaseUrl);
  await writeFile(join(folder, "pgbouncer.ini"), settings(url, port), { mode: 0o600 });
  if (account) await giveAway(folder, account);
  const child = spawn("/bin/sh", ["-c", SCRIPT, "pgbouncer", folder], {
    ...account,
    env: { PATH },
    stdio: ["pipe", "ignore", "inherit"],
  });
  const exit = once(child, "exit");
  return {
    url: `postgres://anybody@127.0.0.1:${port}${url.pathname}`,
    async stop() {
      child.stdin.end();
      await exit;
    },
  };
}

function settings(url: URL, port: number): string {
  const { hostname, port: serverPort, username, password } = url;
  const login = [`user=${username || "postgres"}`, ...(password ? [`password=${password}`] : [])];
  return [
    "[databases]",
    `* = host=${hostname} port=${serverPort || 5432} ${login.join(" ")}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "default_pool_size = 2",
    "",
  ].join("\n");
}
