import type { FaultCase } from "../case.js";

/** Taken over long before the lease of 30 s is over, because the session is gone with the process. */
export const killedWorker: FaultCase = {
  name: "worker killed",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    await crew.startWorkers(3);
    await crew.publisher();
    for (let kills = isLong ? 8 : 2; kills > 0; kills -= 1) {
      await stage.handledMore(300);
      const [victim] = crew.workers;
      if (!victim) continue;
      await faults.inject(() => victim.kill(), { frozen: [victim], inFlight: stage.allBusy });
      await stage.handledAll();
    }
  },
};
