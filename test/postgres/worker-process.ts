import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { inTree } from "../support/in-tree.js";

export interface WorkerEvent {
  readonly event: "ready" | "start" | "end";
  readonly worker: string;
  readonly id: string;
  readonly attempt: number;
}

export interface WorkerOptions {
  /** What it handles; default `job.run`. */
  readonly names?: readonly string[];
  /** Has a listening connection; default true. */
  readonly listens?: boolean;
  readonly leaseMs?: number;
}

/** Starts worker.js, and resolves when it is ready. What it reports goes to `events`, the list of all workers. */
export async function startWorker(
  url: string,
  name: string,
  events: WorkerEvent[],
  options: WorkerOptions = {},
): Promise<ChildProcess> {
  const file = inTree("test/postgres/worker.js");
  const child = fork(file, [url, name, JSON.stringify(options)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) =>
      reject(new Error(`Worker ${name} ended with ${code} before it was ready.`)),
    );
    child.on("message", (event: WorkerEvent) =>
      event.event === "ready" ? resolve() : events.push(event),
    );
  });
  return child;
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
