import type { FaultCase } from "../case.js";
import { backendPids } from "../state.js";

const LEASE_MS = 5_000;

/** Each in turn, whatever it does. When a claim commits and its answer is lost, its lease has to run out. */
export const terminatedConnections: FaultCase = {
  name: "connections terminated",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: LEASE_MS + 5_000,
  async run(stage) {
    const { crew, faults, pool, isLong } = stage;
    await crew.startWorkers(2, { leaseMs: LEASE_MS });
    await crew.publisher({ mix: { retry: 10 } });
    for (let rounds = isLong ? 10 : 1; rounds > 0; rounds -= 1) {
      await stage.handledMore(200);
      for (const pid of await backendPids(pool)) {
        await faults.inject(() => pool.query("select pg_terminate_backend($1)", [pid]));
        await stage.handledMore(10);
      }
    }
  },
};
