import type { FaultCase } from "../case.js";
import { countInFlight } from "../state.js";
import { until } from "../until.js";

/** What a killed worker has recorded is not handled again, however long its batch stays open. */
export const recordedProgress: FaultCase = {
  name: "killed late",
  messages: { short: 40, long: 200 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, pool, messages } = stage;
    const worker = await crew.worker({ maxWorkers: 200 });
    await crew.publishAtOnce(messages, { mix: { hang: messages } });
    await stage.handled(messages - 1);
    await until("it is recorded", async () => (await countInFlight(pool)) === 1);
    await faults.inject(() => worker.kill(), { frozen: [worker] });
  },
};
