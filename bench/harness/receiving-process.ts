import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { loadProduct } from "./product-of.js";

const PATIENCE_MS = 60_000;

/** Receives what there is; told how many messages there are in all, waits for them and says what is wrong, if anything. */
async function main(): Promise<void> {
  const [file, name, url] = process.argv.slice(2) as [string, string, string];
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  const product = await loadProduct({ file, name });
  const opened = await product.open({ url, pool });
  const seen: number[] = [];
  let handled = 0;
  const consumer = await opened.consume(({ n }) => {
    seen[n] = (seen[n] ?? 0) + 1;
    handled += 1;
  });
  process.once("message", async (count: number) => {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (handled < count && performance.now() < giveUpAt) await sleep(10);
    await consumer.stop();
    await opened.close();
    await pool.end();
    const isRight = handled === count && seen.length === count && seen.every((n) => n === 1);
    process.send?.(isRight ? "" : `Handled ${handled} of ${count}.`, () => process.disconnect());
  });
  process.send?.("ready");
}

await main();
