import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { Receiver } from "../../src/index.js";
import { intervalTrigger, notifyTrigger, postgresSource } from "../../src/postgres.js";
import { LATE } from "./disturbances.js";

/** Handles one queue, at once or slowly, and tells its parent, whenever asked, what it has handled. */
async function main(): Promise<void> {
  const [connectionString, queue, delayMs] = process.argv.slice(2) as [string, string, string];
  const pool = new pg.Pool({ connectionString });
  const counts = new Map<number, number>();
  let handled = 0;
  const receiver = new Receiver({
    source: postgresSource({
      pool,
      maxWorkers: 60,
      triggers: [notifyTrigger({ connectionString }), intervalTrigger(1_000)],
    }),
  });
  receiver.on(queue, "order.placed", async ({ payload }) => {
    if (Number(delayMs) > 0) await sleep(Number(delayMs));
    const { n } = payload as { n: number };
    counts.set(n, (counts.get(n) ?? 0) + 1);
    handled += 1;
  });
  await receiver.start();
  process.on("message", async (total: number) => {
    if (total < 0) {
      await receiver.stop();
      await pool.end();
      return process.disconnect();
    }
    const missing = Array.from({ length: total }, (_, n) => n).filter((n) => !counts.has(n));
    const repeated = [...counts.values()].filter((count) => count > 1).length;
    process.send?.({
      handled,
      missing: missing.length,
      firstMissing: missing.slice(0, 20),
      repeated,
      late: counts.has(LATE),
    });
  });
  process.send?.("ready");
}

await main();
