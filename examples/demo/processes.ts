import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** How long a process may take to stop, in ms. */
const STOP_MS = 15_000;

/**
 * Runs `fn` with processes at its disposal, and stops them all in the end. Rejects when one of them ends
 * that was not told to, and when the signal aborts.
 */
export async function withProcesses<T>(
  signal: AbortSignal,
  fn: (processes: Processes) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const processes = new Processes();
  const abort = () => processes.fail(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([fn(processes), processes.failed]);
  } finally {
    signal.removeEventListener("abort", abort);
    await processes.stop();
  }
}

/** Somebody wants this process to stop; nothing is wrong with it. */
export class Interrupted extends Error {}

/** Aborted, with an `Interrupted`, by SIGINT (Ctrl-C) and SIGTERM, which then end this process no longer. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => controller.abort(new Interrupted(`Stopped by ${name}.`)));
  }
  return controller.signal;
}

export class Processes {
  /** Rejects at the first failure. */
  readonly failed: Promise<never>;
  readonly #running = new Set<ChildProcess>();
  readonly #end = new AbortController();

  constructor() {
    const { signal } = this.#end;
    this.failed = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }

  /** Aborted when the processes stop, whether they have failed or not. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Only the first call counts, and none after a stop. */
  fail(error: unknown): void {
    this.#end.abort(error);
  }

  /** Resolves when the process says that it is ready. */
  async start(module: URL, args: readonly string[]): Promise<ChildProcess> {
    this.signal.throwIfAborted();
    const child = fork(module, args);
    this.#running.add(child);
    child.once("exit", (code, signal) => {
      if (!this.#running.delete(child)) return;
      this.fail(new Error(`${module.pathname} ended by itself (${signal ?? code}).`));
    });
    await Promise.race([once(child, "message"), this.failed]);
    return child;
  }

  /** Without a warning, as a crash does. */
  async kill(child: ChildProcess): Promise<void> {
    this.#running.delete(child);
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all([...this.#running].map(stopOne));
  }
}

async function stopOne(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill("SIGTERM");
  await exit;
  clearTimeout(timer);
}
