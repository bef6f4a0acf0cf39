import type { FaultCase } from "../case.js";

/** In the middle of its transactions. */
export const killedPublisher: FaultCase = {
  name: "publisher killed",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    stage.repeats = 0;
    await crew.startWorkers(2);
    for (let kills = isLong ? 8 : 2; kills > 0; kills -= 1) {
      const victim = await crew.publisher();
      await stage.handledMore(300);
      const inFlight = () => stage.book.unresolved(victim.name);
      await faults.inject(() => victim.kill(), { frozen: [victim], inFlight });
    }
    await crew.publisher();
  },
};
