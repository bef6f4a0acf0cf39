import { type BulkWriter, type Sample, sample } from "../products/product.js";

const BATCH = 1_000;

/** Queues messages 0 to count - 1. */
export async function fill(
  product: BulkWriter,
  count: number,
  make: (n: number) => Sample = sample,
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    await product.publishBatch(Array.from({ length }, (_, n) => make(from + n)));
  }
}
