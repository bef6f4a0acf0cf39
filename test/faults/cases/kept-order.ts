import type { FaultCase } from "../case.js";

/** An ordered queue: a tenth of its messages fail once, and its workers are killed. */
export const keptOrder: FaultCase = {
  name: "order kept",
  messages: { short: 1_500, long: 60_000 },
  recoveryMs: 10_000,
  ordered: true,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    await crew.startWorkers(3, { ordered: true, handleMs: 5, maxWorkers: 10 });
    await crew.publisher({ mix: { retry: 10 } });
    for (let kills = isLong ? 8 : 2; kills > 0; kills -= 1) {
      await stage.handledMore(300);
      const [victim] = crew.workers;
      if (!victim) continue;
      await faults.inject(() => victim.kill(), { frozen: [victim] });
    }
  },
};
