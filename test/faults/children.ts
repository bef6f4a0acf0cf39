import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Kind } from "./messages.js";

export interface ChildOptions {
  readonly url: string;
  /** Also the application_name of the connections of its pool. */
  readonly name: string;
  /** The file that it records to. */
  readonly record: string;
}

export interface WorkerOptions extends ChildOptions {
  readonly names: readonly string[];
  /** How long a handler takes at most, unless the message says it. */
  readonly handleMs: number;
  readonly maxWorkers: number;
  readonly leaseMs: number;
  /** Where it listens, if not at `url`. */
  readonly listenUrl?: string;
  readonly intervalMs: number;
  readonly poolMax: number;
  /** The queue keeps the order of each key. */
  readonly ordered?: boolean;
}

export interface PublisherOptions extends ChildOptions {
  readonly event: string;
  readonly perSecond: number;
  /** Messages a transaction, on average. */
  readonly size: number;
  /** If above 0: so many in one transaction, which stays open until SIGTERM, and nothing else. */
  readonly bulk: number;
  /** How long the handlers of its messages take; undefined leaves it to the worker. */
  readonly ms?: number;
  /** One of so many messages is of that kind. */
  readonly mix: Partial<Record<Kind, number>>;
}

export interface MigratorOptions {
  readonly url: string;
}

export interface KafkaWorkerOptions extends Omit<ChildOptions, "url"> {
  readonly brokers: string;
  readonly handleMs: number;
  readonly maxWorkers: number;
  /** Without a heartbeat for so long, the group takes it for dead. */
  readonly sessionMs: number;
}

type Script = "worker" | "publisher" | "migrator" | "kafka/worker";

/** A process ended before it was ready. */
export class EndedEarly extends Error {
  readonly code: number | null;

  constructor(name: string, code: number | null) {
    super(`${name} ended with ${code} before it was ready`);
    this.code = code;
  }
}

/** A process of ours. */
export class Child {
  readonly name: string;
  /** Its exit code; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Rejects with `EndedEarly`. */
  readonly ready: Promise<unknown>;
  readonly #process: ChildProcess;
  /** We have ended it. */
  isExpected = false;

  private constructor(name: string, process: ChildProcess) {
    this.name = name;
    this.#process = process;
    this.ended = new Promise((resolve) => process.once("exit", resolve));
    const early = this.ended.then((code) => {
      throw new EndedEarly(name, code);
    });
    this.ready = Promise.race([once(process, "message"), early]);
    this.ready.catch(() => {});
  }

  /** Runs a script of the tree at `root`. */
  static start(
    root: URL,
    script: Script,
    options: { name: string } & (
      | WorkerOptions
      | PublisherOptions
      | MigratorOptions
      | KafkaWorkerOptions
    ),
  ): Child {
    const file = fileURLToPath(new URL(`test/faults/${script}.js`, root));
    const process = fork(file, [JSON.stringify(options)], {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    return new Child(options.name, process);
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  /** Sends a request, and resolves with the answer. */
  async ask(request: number): Promise<void> {
    const answer = once(this.#process, "message");
    this.#process.send(request);
    await answer;
  }

  kill(): Promise<number | null> {
    return this.#end("SIGKILL");
  }

  /** Politely; resolves with its exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    this.isExpected = true;
    this.#process.kill(signal);
    return this.ended;
  }
}
