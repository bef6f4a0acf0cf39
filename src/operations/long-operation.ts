import { EventsError } from "../message/errors.js";
import { assertInteger } from "../message/options.js";

/** What every operation takes that may run for long. */
export interface LongOptions {
  /** Items a second at the most, a whole number. Default: as fast as it goes. */
  readonly ratePerSecond?: number;
  /** Once it is aborted, the operation resolves after the step under way. */
  readonly signal?: AbortSignal;
  /** Told before the first step, so that also that one can be repeated, and after each. */
  readonly onProgress?: (progress: Progress) => void;
  /** The `resume` of an earlier progress or result of the same operation, which it goes on from. */
  readonly resume?: string;
}

export interface Progress {
  /** Items so far, over all runs that were resumed; without those of a step whose end nobody was told of. */
  readonly done: number;
  /** Text to keep: it continues the operation from here, also in another process. */
  readonly resume: string;
}

export interface LongResult extends Progress {
  /** False if it was stopped before its end. */
  readonly isComplete: boolean;
}

/** What one step has done, and where the next one begins. */
export interface Step<State> {
  readonly done: number;
  readonly state: State;
  readonly isLast: boolean;
}

export interface Operation<State> {
  /** Tells its resume texts from those of others. */
  readonly name: string;
  /** Where a new one begins. */
  begin(): Promise<State>;
  /** Does at most `limit` items, in a transaction of its own. Done twice, it does no harm. */
  step(state: State, limit: number): Promise<Step<State>>;
}

export const longOptions = ["ratePerSecond", "signal", "onProgress", "resume"] as const;

const STEP = 500;

/**
 * Runs an operation step by step, at its rate, until it is over or aborted. Rejects with `INVALID_OPTIONS` for a `resume`
 * of something else; after any other rejection, the last progress can be resumed.
 */
export async function runLong<State>(
  operation: Operation<State>,
  { ratePerSecond = Number.MAX_SAFE_INTEGER, signal, onProgress, resume }: LongOptions,
): Promise<LongResult> {
  assertInteger("ratePerSecond", ratePerSecond, 1);
  const resumed = resume === undefined ? undefined : parseResume<State>(resume, operation.name);
  const before = resumed?.done ?? 0;
  let state = resumed ? resumed.state : await operation.begin();
  const startedAt = performance.now();
  const progressAt = (done: number) => {
    const progress = { done, resume: showResume(operation.name, done, state) };
    onProgress?.(progress);
    return progress;
  };
  let progress = progressAt(before);
  for (;;) {
    if (signal?.aborted) return { ...progress, isComplete: false };
    const step = await operation.step(state, Math.min(STEP, ratePerSecond));
    state = step.state;
    progress = progressAt(progress.done + step.done);
    if (step.isLast) return { ...progress, isComplete: true };
    await sleepUntil(startedAt + ((progress.done - before) / ratePerSecond) * 1_000, signal);
  }
}

function showResume(name: string, done: number, state: unknown): string {
  return JSON.stringify([name, done, state]);
}

function parseResume<State>(text: string, name: string): { done: number; state: State } {
  try {
    const [of, done, state] = JSON.parse(text);
    if (of === name && Number.isSafeInteger(done)) return { done, state };
  } catch {} // refused below
  const problem = `resume is not what a ${name} has given.`;
  throw new EventsError(
    "INVALID_OPTIONS",
    `${problem} Pass its text on as it was, or leave it out.`,
  );
}

function sleepUntil(time: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = time - performance.now();
  if (ms <= 0 || signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake);
  });
}
