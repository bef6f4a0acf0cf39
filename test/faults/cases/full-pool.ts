import type { FaultCase } from "../case.js";

const POOL_MAX = 2;
const OCCUPIED_MS = 2_000;

/** Others take all connections of the workers' pools for a while. */
export const fullPool: FaultCase = {
  name: "pool full",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: OCCUPIED_MS + 5_000,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    const workers = await crew.startWorkers(2, { poolMax: POOL_MAX });
    stage.repeats = 0;
    await crew.publisher();
    for (let times = isLong ? 5 : 1; times > 0; times -= 1) {
      await stage.handledMore(300);
      await faults.inject(() => Promise.all(workers.map((worker) => worker.ask(OCCUPIED_MS))));
      await stage.handledAll();
    }
  },
};
