import { setTimeout as sleep } from "node:timers/promises";

const TRIAL = 10_000;

/** So many loops that nap one after the other, until so many naps have been taken; resolves with the ms of all. */
export async function napInLoops(
  nap: () => Promise<unknown>,
  { loops, count }: { readonly loops: number; readonly count: number },
): Promise<number> {
  let left = count;
  const loop = async () => {
    while (left > 0) {
      left -= 1;
      await nap();
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: loops }, loop));
  return performance.now() - startedAt;
}

/**
 * Naps of `ms` on the average, while nothing else is done. A timer is late by a part of a millisecond, so that some, as
 * many as a trial says, are set one earlier.
 */
export async function naps(ms: number, loops: number): Promise<() => Promise<void>> {
  const tookMs = await napInLoops(() => sleep(ms), { loops, count: TRIAL });
  const share = Math.min(1, Math.max(0, (tookMs * loops) / TRIAL - ms));
  let due = 0;
  return () => {
    due += share;
    if (due < 1) return sleep(ms);
    due -= 1;
    return sleep(ms - 1);
  };
}
