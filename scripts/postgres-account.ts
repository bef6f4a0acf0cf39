import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Whom PostgreSQL runs as if we are root; nothing if we aren't. */
export async function unprivilegedAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const account = (await findAccount("postgres")) ?? (await findAccount("nobody"));
  if (account) return account;
  throw new Error(
    "PostgreSQL can't run as root, and there is no user postgres or nobody to run it as: " +
      "add one, or set DATABASE_URL to a server that runs.",
  );
}

/** Makes `account` the owner of `folder` and of all that is in it. */
export async function giveAway(folder: string, { uid, gid }: Account): Promise<void> {
  await run("chown", ["-R", `${uid}:${gid}`, folder]);
}

async function findAccount(name: string): Promise<Account | undefined> {
  try {
    return { uid: await idOf("-u", name), gid: await idOf("-g", name) };
  } catch {
    return undefined;
  }
}

async function idOf(flag: "-u" | "-g", name: string): Promise<number> {
  const { stdout } = await run("id", [flag, name]);
  return Number(stdout);
}
