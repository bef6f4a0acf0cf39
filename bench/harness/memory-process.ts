import pg from "pg";
import type { Opened } from "../products/product.js";
import { drain } from "./drain.js";
import { loadProduct } from "./product-of.js";

const MB = 1e6;
const SAMPLES = 100;

/** Drains what is queued and sends its RSS in MB: the peak, the most of either half of the messages, and late / early. */
async function main(): Promise<void> {
  const [file, name, url, messages] = process.argv.slice(2) as [string, string, string, string];
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  const opened = await (await loadProduct({ file, name })).open({ url, pool });
  const count = Number(messages);
  const sizes: number[] = [];
  await drain(sampled(opened, count / SAMPLES, sizes), count);
  await opened.close();
  await pool.end();
  const early = Math.max(...sizes.slice(0, SAMPLES / 2)) / MB;
  const late = Math.max(...sizes.slice(SAMPLES / 2)) / MB;
  const peak = (process.resourceUsage().maxRSS * 1_024) / MB;
  process.send?.({ peak, early, late, grown: late / early }, () => process.disconnect());
}

/** Notes the RSS each time that so many messages more were handled. */
function sampled(opened: Opened, each: number, sizes: number[]): Opened {
  return {
    ...opened,
    consume(handle, options) {
      let handled = 0;
      return opened.consume((payload) => {
        handled += 1;
        if (handled % each === 0) sizes.push(process.memoryUsage.rss());
        return handle(payload);
      }, options);
    },
  };
}

await main();
