import { type BulkWriter, type Sample, sample } from "../products/product.js";

const BATCH = 1_000;
/** Batches on their way at once, so that neither this process nor the server waits for the other. */
const WRITERS = 2;

/** Queues messages 0 to count - 1; with a single writer in this order. */
export async function fill(
  product: BulkWriter,
  count: number,
  make: (n: number) => Sample = sample,
  writers = WRITERS,
): Promise<void> {
  let next = 0;
  async function write(): Promise<void> {
    while (next < count) {
      const from = next;
      const length = Math.min(BATCH, count - from);
      next += length;
      await product.publishBatch(Array.from({ length }, (_, n) => make(from + n)));
    }
  }
  await Promise.all(Array.from({ length: writers }, write));
}
