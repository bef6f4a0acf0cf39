import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Account } from "./postgres-account.js";

export interface Kept {
  readonly pgCtl: string;
  readonly data: string;
  /** Removed with everything in it. */
  readonly folder: string;
  readonly account: Account | undefined;
}

const SCRIPT = `
  cat >/dev/null
  "$1" stop -D "$2" -m fast -t 10 || "$1" stop -D "$2" -m immediate
  rm -rf "$3"
`;

/**
 * Starts a process that waits for the end of its input, and then stops the server and removes its
 * folder. The input ends when the function that is returned is called, or when this process dies, be
 * it by SIGKILL. It is no reason for this process to stay alive.
 */
export function keep({ pgCtl, data, folder, account }: Kept): () => Promise<void> {
  const keeper = spawn("/bin/sh", ["-c", SCRIPT, "keeper", pgCtl, data, folder], {
    ...account,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exit = once(keeper, "exit");
  keeper.unref();
  return async () => {
    keeper.ref();
    keeper.stdin.end();
    await exit;
  };
}
