import { setTimeout } from "node:timers/promises";

const LOCKED = ["55P03", "40P01"];
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

export function isLocked(error: unknown): boolean {
  return LOCKED.includes(String((error as { code?: unknown }).code));
}

/**
 * Runs work that gives up when it is not granted a lock soon: again and again, with pauses in which others get theirs, until
 * so many milliseconds are over. Rejects with its last error then, and with any other at once.
 */
export async function patiently<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || performance.now() + pause > deadline) throw error;
    }
    await setTimeout(pause);
  }
}
