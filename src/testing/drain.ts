import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { EventsError } from "../message/errors.js";
import type { MemorySource } from "../source/memory.js";
import type { FakeClock } from "./fake-clock.js";

const PAUSE_MS = 1;

/**
 * Resolves once everything published so far, and what its handlers publish, is done, dead or parked. With the clock of
 * the memory log it moves on to each retry and schedule; without it, it takes as long as they take.
 *
 * @throws EventsError `NOT_STARTED` if no receiver runs, or none any more.
 */
export async function drain(source: MemorySource, clock?: FakeClock): Promise<void> {
  // What was published just now is taken from the log in this turn of the event loop.
  await nextTurn();
  assertRunning(source);
  while (source.unfinished > 0) {
    if (!(await clock?.advanceToNext())) await wait(PAUSE_MS);
    assertRunning(source);
  }
}

function assertRunning({ running }: MemorySource): void {
  if (running) return;
  const text = "The memory source has no receiver that runs, so nothing would be handled.";
  throw new EventsError("NOT_STARTED", `${text} Start one before the drain, and stop it after.`);
}
