import { setTimeout as sleep } from "node:timers/promises";
import { Database } from "../../../src/postgres/database.js";
import { keepHouse } from "../../../src/postgres/housekeeping.js";
import type { FaultCase } from "../case.js";
import type { Stage } from "../stage.js";

const PAUSE_MS = 100;
const BURST = 1_500;

/** The log forgets all that nobody needs, all the time: while workers are behind, and while they are killed. */
export const forgetting: FaultCase = {
  name: "log forgets",
  messages: { short: 1_500, long: 40_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    await stage.rememberIds();
    await crew.startWorkers(3, { handleMs: 300 });
    await crew.publisher({ perSecond: 500 });
    const turning = { isOver: false };
    const retired = forgetOften(stage, turning);
    try {
      for (let kills = isLong ? 8 : 2; kills > 0; kills -= 1) {
        await stage.handledMore(300);
        const [victim] = crew.workers;
        if (!victim) continue;
        await faults.inject(() => victim.kill(), { frozen: [victim], inFlight: stage.allBusy });
        await stage.handledAll();
        await crew.publishAtOnce(BURST);
      }
      await stage.handledAll();
    } finally {
      turning.isOver = true;
      await retired;
    }
    if ((await retired) === 0) throw new Error("Nothing was forgotten.");
  },
};

async function forgetOften({ pool }: Stage, turning: { isOver: boolean }): Promise<number> {
  const db = new Database(pool);
  await pool.query("update opinionated_events.retention set keep = '0'");
  let retired = 0;
  while (!turning.isOver) {
    await pool.query(
      "update opinionated_events.segment set opened_at = opened_at - interval '1 day' where closed_at is null",
    );
    retired += (await keepHouse(db)).retired;
    await sleep(PAUSE_MS);
  }
  return retired;
}
