/** Drains what is there, then has nothing to do: the process of scenario N. */
import pg from "pg";
import { serve } from "../harness/child.js";
import { ourReceiver } from "../products/our-receiver.js";

const [url = "", queues, topicsOfEach, messages] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url });
pool.on("error", () => {});
const receiver = ourReceiver({ url, pool });
let left = Number(messages);
let drained: () => void;
const isDrained = new Promise<void>((resolve) => {
  drained = resolve;
});
for (let queue = 0; queue < Number(queues); queue += 1) {
  receiver.queue(`queue${queue}`, { startAt: "earliest" });
  for (let n = 0; n < Number(topicsOfEach); n += 1) {
    const topic = queue * Number(topicsOfEach) + n;
    receiver.on(`queue${queue}`, `topic${topic}.changed`, () => {
      left -= 1;
      if (left === 0) drained();
    });
  }
}

serve({
  async start() {
    await receiver.start();
    await isDrained;
  },
  /** Microseconds of CPU that this process has used. */
  used() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async stop() {
    await receiver.stop();
    await pool.end();
  },
});
