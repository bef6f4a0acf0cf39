import { setTimeout } from "node:timers/promises";

const POLL_MS = 10;
const PATIENCE_MS = 30_000;

/** Resolves when the condition holds; an error of it counts as not yet. Rejects, with `what`, when that has taken too long. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds(condition))) {
    if (performance.now() > deadline) throw new Error(`It never came to this: ${what}.`);
    await setTimeout(POLL_MS);
  }
}

async function holds(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await condition();
  } catch {
    return false;
  }
}
