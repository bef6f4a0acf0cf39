/** Drains messages 0 to count - 1 together with others of its kind: one process of scenario J. */
import pg from "pg";
import { serve } from "../harness/child.js";
import { ours } from "../products/ours.js";
import type { Consumer } from "../products/product.js";

const [url = "", count] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url });
pool.on("error", () => {});
const opened = await ours.open({ url, pool });
const handled: number[] = [];
let consumer: Consumer | undefined;
let firstAt = 0;
let lastAt = 0;

const now = () => performance.timeOrigin + performance.now();

serve({
  ready: () => count,
  async start() {
    consumer = await opened.consume(({ n }) => {
      lastAt = now();
      if (handled.length === 0) firstAt = lastAt;
      handled.push(n);
    });
  },
  handled: () => handled.length,
  async stop() {
    await consumer?.stop();
    await pool.end();
    return { handled, firstAt, lastAt };
  },
});
