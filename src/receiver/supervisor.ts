import { EventsError } from "../message/errors.js";
import { assertNumber, assertOptions } from "../message/options.js";
import type { Logger, StopReport } from "../source/source.js";
import { consoleLogger } from "./console-logger.js";
import { type Backoff, exponentialBackoff } from "./middleware/backoff.js";
import { type Member, Supervised } from "./supervised.js";

export interface SupervisorOptions {
  /**
   * What happens when a member can't start, or can't go on: `restart` makes it anew after the backoff, and leaves the others
   * alone; `stop` stops all. Default `restart`.
   */
  readonly onFailure?: "restart" | "stop";
  /** By the number of failures in a row; a minute without one begins anew. Default: exponential, from 1 s to 60 s. */
  readonly backoff?: Backoff;
  /** Told of each failure, and whose it was. What it throws itself is logged and goes no further. */
  readonly onError?: (error: unknown, member: string) => unknown;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
}

const defaultBackoff = exponentialBackoff({ initialMs: 1_000, maxMs: 60_000, jitter: 0.2 });

/**
 * Runs several receivers and relays in one process: those that it is given by name, each as a function that makes it, since
 * one that has failed can't be started again. A member that was stopped by somebody else stays stopped.
 *
 * @example
 * const supervisor = new Supervisor({
 *   mails: () => new Receiver({ source }).on("mails", "user.*", sendMail),
 *   kafka: (signal) => relay({ from, to, queue: "to-kafka", names: ["*"], signal }),
 * });
 * await supervisor.start();
 */
export class Supervisor {
  /** Resolves when all have ended; rejects with the failure for which all were stopped. */
  readonly finished: Promise<void>;
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #members: readonly Supervised[];
  readonly #started: Promise<unknown>;
  #finish: (ended: Promise<void> | undefined) => void = () => {};
  #isStarted = false;
  #stopping: Promise<StopReport> | undefined;

  /** Throws `INVALID_OPTIONS`. */
  constructor(members: Readonly<Record<string, Member>>, options: SupervisorOptions = {}) {
    assertMembers(members);
    assertOptions(options, ["onFailure", "backoff", "onError", "logger"], "a supervisor");
    assertOnFailure(options.onFailure);
    this.#options = options;
    this.#logger = options.logger ?? consoleLogger;
    const made = Object.entries(members).map(([name, make]) => this.#supervise(name, make));
    this.#members = made.map(({ member }) => member);
    this.#started = Promise.all(made.map(({ started }) => started));
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.finished.catch(() => {}); // onError was told
  }

  /**
   * Starts all at once, and resolves when each of them has started, or when all are stopped. Rejects with the first failure
   * if that stops all, or with `ALREADY_STARTED`.
   */
  async start(): Promise<void> {
    if (this.#isStarted || this.#stopping) throw alreadyStarted();
    this.#isStarted = true;
    this.#finish(this.#run());
    await Promise.race([this.#started, this.finished]);
  }

  /**
   * Stops one after the other, the last one first. They share `deadlineMs` (default 10,000) milliseconds: each has what those
   * before it have left over. The report is the sum of theirs; later calls get that of the first.
   */
  stop({ deadlineMs = 10_000 }: { readonly deadlineMs?: number } = {}): Promise<StopReport> {
    assertNumber("stop({ deadlineMs })", deadlineMs);
    this.#stopping ??= this.#stopAll(deadlineMs);
    return this.#stopping;
  }

  async #run(): Promise<void> {
    const runs = this.#members.map((member) => member.run());
    try {
      await Promise.all(runs);
    } catch (error) {
      await this.stop();
      await Promise.allSettled(runs);
      throw error;
    }
  }

  async #stopAll(deadlineMs: number): Promise<StopReport> {
    const deadline = performance.now() + deadlineMs;
    let sum: StopReport = { finished: 0, released: 0, aborted: 0 };
    for (const member of [...this.#members].reverse())
      sum = add(sum, await member.stop(Math.max(0, deadline - performance.now())));
    if (!this.#isStarted) this.#finish(undefined);
    return sum;
  }

  #supervise(name: string, make: Member) {
    const { onFailure = "restart", backoff = defaultBackoff } = this.#options;
    let onStarted = () => {};
    const started = new Promise<void>((resolve) => {
      onStarted = resolve;
    });
    const member = new Supervised({
      make,
      backoff: onFailure === "restart" ? backoff : undefined,
      onStarted,
      onError: (error) => this.#tell(error, name),
    });
    return { member, started };
  }

  async #tell(error: unknown, member: string): Promise<void> {
    try {
      this.#logger.error({ err: error, member }, "a supervised member failed");
      await this.#options.onError?.(error, member);
    } catch (thrown) {
      console.error("A supervisor's onError or logger itself failed.", thrown);
    }
  }
}

function add(one: StopReport, other: StopReport): StopReport {
  return {
    finished: one.finished + other.finished,
    released: one.released + other.released,
    aborted: one.aborted + other.aborted,
  };
}

function assertMembers(members: unknown): void {
  const made = typeof members === "object" && members !== null ? Object.values(members) : [];
  if (made.length > 0 && made.every((make) => typeof make === "function")) return;
  const text =
    "A supervisor takes its members by name, at least one, each as a function that makes it: { mails: () => receiver }.";
  throw new EventsError("INVALID_OPTIONS", text);
}

function assertOnFailure(value: unknown): void {
  if (value === undefined || value === "restart" || value === "stop") return;
  throw new EventsError("INVALID_OPTIONS", 'A supervisor\'s onFailure is "restart" or "stop".');
}

function alreadyStarted(): EventsError {
  const text = "The supervisor has been started or stopped already; make a new one.";
  return new EventsError("ALREADY_STARTED", text);
}
