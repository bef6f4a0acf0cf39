import { AssertionError } from "node:assert";
import { setTimeout } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const PAUSE_MS = 2;

/** Resolves once the condition holds. Rejects with an `AssertionError` that says `what` if it takes over 20 s. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new AssertionError({ message: `Waited ${PATIENCE_MS} ms in vain until ${what}.` });
    }
    await setTimeout(PAUSE_MS);
  }
}

/** Something to wait for until `open` is called. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
