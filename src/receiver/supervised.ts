import { sleeper } from "../source/sleeper.js";
import type { StopReport } from "../source/source.js";
import { after } from "../source/timer.js";
import type { Backoff } from "./middleware/backoff.js";

/** What a supervisor can look after: a `Receiver`, a relay, another supervisor. */
export interface Supervisable {
  /** Called once, where there is one: a receiver is to be started, a relay runs when it is there. */
  start?(): Promise<void>;
  stop(options: { readonly deadlineMs: number }): Promise<StopReport>;
  /** Resolves after a stop; rejects if it can't go on. */
  readonly finished: Promise<void>;
}

/** Makes a member, and another one each time that it has failed. The signal is aborted when none is wanted any more. */
export type Member = (signal: AbortSignal) => Supervisable | Promise<Supervisable>;

export interface SupervisedOptions {
  readonly make: Member;
  /** Undefined if a failure is the end. */
  readonly backoff: Backoff | undefined;
  readonly onStarted: () => void;
  /** Told of each failure. Must not throw. */
  readonly onError: (error: unknown) => void;
}

/** One that has run for so long, in ms, has not failed in a row. */
const STEADY_MS = 60_000;
const NOTHING: StopReport = { finished: 0, released: 0, aborted: 0 };

/** One member between a start and a stop. */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #pause = sleeper();
  readonly #stopping = new AbortController();
  /** The one that was made last, once it is there. */
  #making: Promise<Supervisable | undefined> = Promise.resolve(undefined);
  #isMade = true;

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  /** Resolves when it has ended, or was stopped; rejects with the failure that was the end. */
  async run(): Promise<void> {
    const { backoff, onError } = this.#options;
    let failures = 0;
    while (!this.#isStopping) {
      const startedAt = performance.now();
      try {
        return await this.#live();
      } catch (error) {
        onError(error);
        await this.#stopCurrent(0);
        if (!backoff) throw error;
        failures = performance.now() - startedAt < STEADY_MS ? failures + 1 : 1;
        await this.#pause.sleep(backoff(failures));
      }
    }
  }

  async stop(deadlineMs: number): Promise<StopReport> {
    this.#stopping.abort();
    this.#pause.end();
    return this.#stopCurrent(deadlineMs);
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #live(): Promise<void> {
    const made = (async () => this.#options.make(this.#stopping.signal))();
    this.#isMade = false;
    this.#making = made.catch(() => undefined);
    const member = await made;
    this.#isMade = true;
    if (this.#isStopping) return;
    await member.start?.();
    this.#options.onStarted();
    await member.finished;
  }

  /** One that is not made in time is stopped when it is. */
  #stopCurrent(deadlineMs: number): Promise<StopReport> {
    const until = performance.now() + deadlineMs;
    const stopped = this.#making.then((member) =>
      member?.stop({ deadlineMs: Math.max(0, until - performance.now()) }),
    );
    const reported = stopped.catch(this.#options.onError).then((report) => report ?? NOTHING);
    return this.#isMade ? reported : within(deadlineMs, reported);
  }
}

function within(ms: number, reported: Promise<StopReport>): Promise<StopReport> {
  return new Promise((resolve) => {
    const cancel = after(ms, () => resolve(NOTHING));
    reported.then((report) => {
      cancel();
      resolve(report);
    });
  });
}
