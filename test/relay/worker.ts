/** A relay in a process of its own, to a destination that tells its parent what arrived. Stops on SIGTERM. */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { type Destination, relay } from "../../src/index.js";
import { intervalTrigger, notifyTrigger, postgresSource } from "../../src/postgres.js";

const [connectionString] = process.argv.slice(2) as [string];
const pool = new pg.Pool({ connectionString });
pool.on("error", () => {});

const to: Destination = {
  name: "parent",
  capabilities: { ordered: true, maxBatch: 50 },
  async deliver(batch) {
    await setTimeout(Math.random() * 5);
    // Heard even if this process dies right after.
    await new Promise((sent) =>
      process.send?.(
        batch.map(({ payload }) => payload),
        sent,
      ),
    );
    await setTimeout(Math.random() * 5);
  },
};

const running = await relay({
  from: postgresSource({
    pool,
    triggers: [notifyTrigger({ connectionString }), intervalTrigger(100)],
  }),
  to,
  queue: "to-broker",
  names: ["*"],
  startAt: "earliest",
  onError: () => {},
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});
process.once("SIGTERM", async () => {
  await running.stop();
  await pool.end();
  process.disconnect();
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
