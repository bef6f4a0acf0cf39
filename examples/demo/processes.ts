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
    await processes.stop();
    signal.removeEventListener("abort", abort);
  }
}

/** Aborted by Ctrl-C, and by a polite kill. Both end this process no longer. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => controller.abort(new Error(`Stopped by ${name}.`)));
  }
  return controller.signal;
}

export class Processes {
  /** Rejects at the first failure. */
  readonly failed: Promise<never>;
  readonly #running = new Set<ChildProcess>();
  #stopping = false;
  #fail: (error: unknown) => void = () => {};

  constructor() {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Resolves when the process says that it is ready. */
  async start(module: URL, args: readonly string[]): Promise<ChildProcess> {
    if (this.#stopping) throw new Error("The processes are being stopped.");
    const child = fork(module, args);
    this.#running.add(child);
    child.once("exit", (code, signal) => {
      if (!this.#running.delete(child) || this.#stopping) return;
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
    this.#stopping = true;
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
