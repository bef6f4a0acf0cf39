import type { Opened } from "../products/product.js";

export interface Drained {
  /** Milliseconds from the start of the consumer to its first message. */
  readonly firstAt: number;
  /** Milliseconds from the start of the consumer until each tenth was handled. */
  readonly tenths: readonly number[];
}

/** Starts a consumer on what is queued: messages 0 to count - 1. Rejects unless each was handled once, and nothing is left. */
export async function drain(product: Opened, count: number): Promise<Drained> {
  const tenths: number[] = [];
  const seen = new Uint8Array(count);
  let handled = 0;
  let firstAt = 0;
  let resolve = () => {};
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  const startedAt = performance.now();
  const consumer = await product.consume(({ n }) => {
    if (handled === 0) firstAt = performance.now() - startedAt;
    seen[n] = (seen[n] ?? 0) + 1;
    handled += 1;
    if (handled * 10 >= count * (tenths.length + 1)) tenths.push(performance.now() - startedAt);
    if (handled === count) resolve();
  });
  await all;
  await consumer.stop();
  const left = await product.left();
  if (seen.some((times) => times !== 1) || left > 0) {
    throw new Error(`Handled ${handled} of ${count}, ${left} left: this run is void.`);
  }
  return { firstAt, tenths };
}
