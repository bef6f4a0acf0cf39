import type { FaultCase } from "../case.js";
import { RUN } from "../messages.js";

const NEW = "job.new";
const MIGRATORS = 3;

/** At the first start, and again while messages are in flight. */
export const migrations: FaultCase = {
  name: "migrations at once",
  messages: { short: 1_000, long: 20_000 },
  recoveryMs: 5_000,
  migrates: true,
  async run(stage) {
    const { crew, faults } = stage;
    stage.repeats = 0;
    const migrate = () => Promise.all(Array.from({ length: MIGRATORS }, () => crew.migrate()));
    await migrate();
    await crew.startWorkers(2);
    await crew.publisher();
    await stage.handledMore(200);
    await faults.inject(migrate);
  },
};

/** The old workers have no handler for a new name, and are replaced one by one. */
export const rollingDeploy: FaultCase = {
  name: "rolling deploy",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    stage.repeats = 0;
    const old = await crew.startWorkers(isLong ? 6 : 2);
    await crew.publisher({ perSecond: 500 });
    await stage.handledMore(200);
    await crew.worker({ names: [RUN, NEW] });
    await crew.publisher({ event: NEW, perSecond: 500 });
    for (const worker of old) {
      await stage.handledMore(300);
      await crew.worker({ names: [RUN, NEW] });
      await faults.inject(() => crew.retire(worker));
    }
  },
};
