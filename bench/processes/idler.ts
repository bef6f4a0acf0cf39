/** Drains what is there, then has nothing to do: the process of scenario N. */
import pg from "pg";
import { serve } from "../harness/child.js";
import { ourReceiver } from "../products/our-receiver.js";

const [url = "", queues, topicsOfEach] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url });
pool.on("error", () => {});
const receiver = ourReceiver({ url, pool });
let handled = 0;
for (let queue = 0; queue < Number(queues); queue += 1) {
  receiver.queue(`queue${queue}`, { startAt: "earliest" });
  for (let n = 0; n < Number(topicsOfEach); n += 1) {
    const topic = queue * Number(topicsOfEach) + n;
    receiver.on(`queue${queue}`, `topic${topic}.changed`, () => {
      handled += 1;
    });
  }
}

serve({
  start: () => receiver.start(),
  handled: () => handled,
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
