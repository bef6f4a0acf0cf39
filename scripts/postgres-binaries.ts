import { execFile } from "node:child_process";
import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.js";
import { type Account, giveAway, unprivilegedAccount } from "./postgres-account.js";
import { installBinaries } from "./postgres-install.js";
import { keep } from "./postgres-keeper.js";
import type { PostgresServer } from "./server.js";

const run = promisify(execFile);

export interface OwnPostgresServer extends PostgresServer {
  readonly data: string;
  /** Runs pg_ctl on it: `restart`, `stop`, `start`; further arguments as pg_ctl takes them. */
  control(command: string, ...more: string[]): Promise<void>;
  /**
   * Another server with a copy of its data, both started; this one is stopped meanwhile. With `follow`, the address of this
   * one: a standby that streams from there.
   */
  copy(follow?: { host: string; port: number }): Promise<OwnPostgresServer>;
}

/**
 * A server of its own, on a free port of 127.0.0.1 and in a temporary folder, from the binaries in
 * `binFolder`, else from those that npm installed. PostgreSQL refuses to run as root: as root it runs
 * as `postgres` or `nobody`, who must be able to reach `binFolder`.
 */
export async function startBinaries(
  binFolder?: string,
  more: readonly string[] = [],
): Promise<OwnPostgresServer> {
  const account = await unprivilegedAccount();
  const folder = await mkdtemp(join(tmpdir(), "opinionated-events-"));
  try {
    return await startIn(folder, account, binFolder, more);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  folder: string,
  account: Account | undefined,
  binFolder: string | undefined,
  more: readonly string[],
): Promise<OwnPostgresServer> {
  const bin = binFolder ?? (await installBinaries(account && folder));
  if (account) await giveAway(folder, account);
  const data = join(folder, "data");
  await run(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...account, cwd: folder },
  );
  await appendFile(join(data, "postgresql.conf"), `${more.join("\n")}\n`);
  return startData({ folder, data, account, bin, from: binFolder ?? "npm" });
}

interface Place {
  readonly folder: string;
  readonly data: string;
  readonly account: Account | undefined;
  readonly bin: string;
  readonly from: string;
}

async function startData(place: Place): Promise<OwnPostgresServer> {
  const { folder, data, account, bin, from } = place;
  const as = { ...account, cwd: folder };
  const pgCtl = join(bin, "pg_ctl");
  const port = await freePort();
  await appendFile(join(data, "postgresql.conf"), settings(port, folder));
  const version = await versionOf(pgCtl, as);

  const control = async (command: string, ...more: string[]) => {
    const log = command === "promote" ? [] : ["-l", join(folder, "log")];
    await run(pgCtl, [command, "-w", "-D", data, ...log, ...more], as);
  };

  const stop = keep({ pgCtl, data, folder, account });
  try {
    await control("start");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    kind: `${version} from ${from}, on 127.0.0.1:${port}`,
    data,
    control,
    async copy(follow) {
      const other = await mkdtemp(join(tmpdir(), "opinionated-events-"));
      const copied = join(other, "data");
      await control("stop", "-m", "fast");
      await cp(data, copied, { recursive: true });
      await control("start");
      if (follow) await appendFile(join(copied, "postgresql.conf"), following(follow));
      if (follow) await appendFile(join(copied, "standby.signal"), "");
      if (account) await giveAway(other, account);
      return startData({ ...place, folder: other, data: copied });
    },
    stop,
  };
}

function following({ host, port }: { host: string; port: number }): string {
  return `primary_conninfo = 'host=${host} port=${port} user=postgres'\n`;
}

function settings(port: number, folder: string): string {
  return [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${folder}'`,
    "max_connections = 200",
    "max_prepared_transactions = 50",
    "",
  ].join("\n");
}

async function versionOf(pgCtl: string, as: object): Promise<string> {
  const { stdout } = await run(pgCtl, ["--version"], as);
  return /\d[\d.]*/.exec(stdout)?.[0] ?? stdout;
}
