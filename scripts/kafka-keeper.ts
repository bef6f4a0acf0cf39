import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";

/**
 * $1 is the folder, the rest the command. It ends with its input, and so with whoever started it, be it by SIGKILL; then
 * nothing is left of the server, nor of its folder.
 */
const SCRIPT = `
  folder=$1
  shift
  while read -r order; do
    case $order in
      start) "$@" >>"$folder/log" 2>&1 </dev/null & server=$! ;;
      stop) kill "$server"; wait "$server" ;;
      kill) kill -9 "$server"; wait "$server" ;;
    esac
    echo "$order"
  done
  kill -9 "$server"
  wait
  rm -rf "$folder"
`;

export interface Keeper {
  start(): Promise<void>;
  /** Resolves when the process has ended by itself, after SIGTERM. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Ends the server, if it runs, and removes the folder. */
  end(): Promise<void>;
}

/** Starts a process that starts and stops a server. It is no reason for this process to stay alive. */
export function keepServer(folder: string, command: readonly string[]): Keeper {
  const keeper = spawn("/bin/sh", ["-c", SCRIPT, "keeper", folder, ...command], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const exit = once(keeper, "exit");
  const answers = createInterface(keeper.stdout);
  keeper.unref();
  (keeper.stdout as Socket).unref();

  const order = async (name: string) => {
    const done = once(answers, "line");
    keeper.ref();
    keeper.stdin.write(`${name}\n`);
    await done;
    keeper.unref();
  };
  return {
    start: () => order("start"),
    stop: () => order("stop"),
    kill: () => order("kill"),
    async end() {
      keeper.ref();
      keeper.stdin.end();
      await exit;
    },
  };
}
