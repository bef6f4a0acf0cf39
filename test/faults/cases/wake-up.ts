import type { FaultCase } from "../case.js";
import { hasInserted, isLooking, isNobodyIdle } from "../state.js";
import { until } from "../until.js";

/** Longer than any run: what only the interval would find is never found. */
const INTERVAL_MS = 600_000;

/** A publish that began before the worker said that it is idle doesn't notify; those after that do. */
export const wakeUp: FaultCase = {
  name: "no interval",
  messages: { short: 20, long: 100 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, pool } = stage;
    stage.repeats = 0;
    // Subscribes, so that the message before the next one's start is wanted.
    await crew.retire(await crew.worker({ intervalMs: 10 }));
    await until("nobody is idle", () => isNobodyIdle(pool));
    const first = await crew.bulk(1);
    await until("it has inserted", () => hasInserted(pool, first.name));
    const worker = await crew.worker({ intervalMs: INTERVAL_MS });
    await until("it has looked for work", () => isLooking(pool, worker.name));
    const inFlight = () => stage.book.unresolved(first.name);
    await faults.inject(() => crew.stopPublisher(first), { inFlight });
    await stage.handled(1);
    await crew.publisher({ size: 1, perSecond: 10 });
  },
};
