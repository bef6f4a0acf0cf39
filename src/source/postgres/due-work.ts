import type { Held } from "./held.js";

/** Progress is recorded at least so often, so that a crash repeats little. */
export const PROGRESS_MS = 200;
/** Leases are renewed so often, which also clears a worker of suspicion whose listener reconnects. */
const RENEW_MS = 1_000;

/** What is to be recorded in one statement. */
export interface DueWork<H> {
  /** Of an ordered queue; undefined for all the others together. */
  readonly queue: string | undefined;
  readonly held: readonly H[];
}

/**
 * What is to be recorded now, of what was last recorded at the times given, in the order in which it was taken. An ordered
 * queue's goes with all that was taken before it: what was handled first must not be left for later.
 */
export function dueWork<H extends Held>(open: ReadonlyMap<H, number>): readonly DueWork<H>[] {
  const now = performance.now();
  const groups = new Map<string | undefined, H[]>();
  for (const [held, savedAt] of open) {
    if (!isDue(held, now - savedAt)) continue;
    const queue = held.isOrdered ? held.key.queue : undefined;
    const group = groups.get(queue);
    if (group) group.push(held);
    else groups.set(queue, [held]);
  }
  return [...groups].map(([queue, held]) => ({
    queue,
    held: queue === undefined ? held : withEarlier(open, queue, held),
  }));
}

function withEarlier<H extends Held>(
  open: ReadonlyMap<H, number>,
  queue: string,
  due: readonly H[],
): readonly H[] {
  const all = [...open.keys()].filter(({ isOrdered, key }) => isOrdered && key.queue === queue);
  const last = all.findLastIndex((held) => due.includes(held));
  return all.slice(0, last + 1).filter((held) => held.isDirty || due.includes(held));
}

function isDue(held: Held, ageMs: number): boolean {
  return held.isSettled || ageMs >= RENEW_MS || (held.isDirty && ageMs >= PROGRESS_MS);
}
