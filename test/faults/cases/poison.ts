import type { FaultCase } from "../case.js";
import { deadIds } from "../state.js";
import { until } from "../until.js";

/** Some payloads are refused by their event definition, some by the handler: dead at once, each with its reason. */
export const poisonPayload: FaultCase = {
  name: "payload refused",
  messages: { short: 1_000, long: 20_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, pool } = stage;
    stage.repeats = 0;
    await crew.startWorkers(2);
    await crew.publisher({ mix: { refused: 10, fatal: 25 } });
    const isDead = async () => (await deadIds(pool)).size > 0;
    await faults.inject(() => until("one is dead", isDead));
  },
};

/** One message in 1,000 ends its process, each time: it is dead in the end, and nothing else is. */
export const poisonHandler: FaultCase = {
  name: "handler poisoned",
  messages: { short: 1_000, long: 10_000 },
  recoveryMs: 30_000,
  async run({ crew, faults }) {
    await crew.startWorkers(3);
    await crew.publisher({ mix: { exit: 1_000 } });
    // The transaction of the first one may be rolled back.
    await until("a worker has ended of it", () => faults.all.length > 0);
  },
};
