import { setMaxListeners } from "node:events";
import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import { MAX_TIMER_MS } from "../message/options.js";
import type { DrainReport } from "./bridge.js";

/** The drain of one bridge, which happens once. */
export class Drain {
  readonly #controller = new AbortController();
  #report: Promise<DrainReport> | undefined;

  constructor() {
    // Every running call listens to it, and there may be any number of them.
    setMaxListeners(0, this.#controller.signal);
  }

  /** Aborted at the deadline, with the error that each message gets which is left then. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Throws `BRIDGE_DRAINED` once the drain has begun. */
  assertOpen(): void {
    if (this.#report) throw drainedError();
  }

  /** Calls `finish`, which must end soon after the signal aborts. A second call gets the first one's promise. */
  begin(finish: () => Promise<DrainReport>, deadlineMs: number | undefined): Promise<DrainReport> {
    this.#report ??= this.#run(finish, deadlineMs);
    return this.#report;
  }

  async #run(finish: () => Promise<DrainReport>, deadlineMs: number | undefined) {
    if (deadlineMs === undefined) return finish();
    const abort = () => this.#controller.abort(deadlineError(deadlineMs));
    const timer = setTimeout(abort, Math.min(deadlineMs, MAX_TIMER_MS));
    return finish().finally(() => clearTimeout(timer));
  }
}

/** Destinations of the same name are counted together. */
export function drainReport(left: Iterable<readonly [Destination, number]>): DrainReport {
  const undelivered: Record<string, number> = {};
  for (const [{ name }, count] of left) undelivered[name] = (undelivered[name] ?? 0) + count;
  return { undelivered };
}

export function drainedError(): EventsError {
  const text =
    "The bridge was drained and takes no more messages: publish first, drain at the end.";
  return new EventsError("BRIDGE_DRAINED", text);
}

function deadlineError(deadlineMs: number): EventsError {
  const text = `Not delivered within the drain's deadline of ${deadlineMs} ms; it may have arrived.`;
  return new EventsError(
    "BRIDGE_DRAINED",
    `${text} Give drain a longer deadlineMs, or publish again.`,
  );
}
