import { setTimeout } from "node:timers/promises";

const POLL_MS = 10;
const PATIENCE_MS = 30_000;

/** Resolves when the condition holds; an error of it counts as not yet. Rejects, with `what`, when that has taken too long. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds(condition))) {
    if (performance.now() > deadline) throw new Error(`It never came to this: ${what}.`);
    await setTimeout(POLL_MS);
  }
}

/** Resolves when the count is as large. Rejects, with `what`, when it has not grown for long. */
export async function untilCounted(
  what: string,
  enough: number,
  count: () => number,
): Promise<void> {
  for (let counted = count(); counted < enough; counted = count()) {
    const before = counted;
    await until(`${enough} ${what} (${before} are)`, () => count() > before);
  }
}

async function holds(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await condition();
  } catch {
    return false;
  }
}
