import type { Consumer } from "./product.js";

/** Runs so many loops at once, each until it sees that it is stopped. */
export function inLoops(
  count: number,
  loop: (isStopped: () => boolean) => Promise<void>,
): Consumer {
  let stopped = false;
  const running = Promise.all(Array.from({ length: count }, () => loop(() => stopped)));
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}
