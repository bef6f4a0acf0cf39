/** One connection that is asked for 1 each second: what an idle process costs on this machine at the least. */
import pg from "pg";
import { serve } from "../harness/child.js";

const [url = ""] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
client.on("error", () => {});
let timer: NodeJS.Timeout;

serve({
  async start() {
    await client.connect();
    timer = setInterval(() => client.query("select 1"), 1_000);
  },
  /** Microseconds of CPU that this process has used. */
  used() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async stop() {
    clearInterval(timer);
    await client.end();
  },
});
