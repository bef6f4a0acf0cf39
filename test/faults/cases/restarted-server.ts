import type { FaultCase } from "../case.js";
import type { Stage } from "../stage.js";

const LEASE_MS = 5_000;

async function restart({ server }: Stage, mode: "fast" | "immediate"): Promise<void> {
  if (!server.control) throw new Error("A server of our own is needed, which we may restart.");
  await server.control("restart", "-m", mode);
}

/** Transactions are cut, and connections refused for a while. */
export const restartedServer: FaultCase = {
  name: "server restarted",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: LEASE_MS + 5_000,
  restarts: true,
  async run(stage) {
    const { crew, faults, isLong } = stage;
    await crew.startWorkers(2, { leaseMs: LEASE_MS });
    await crew.publisher();
    for (let restarts = isLong ? 4 : 1; restarts > 0; restarts -= 1) {
      await stage.handledMore(300);
      await faults.inject(() => restart(stage, "fast"));
    }
    await stage.handledMore(100);
  },
};

/**
 * A crash forgets claims, whose commit doesn't wait for the disk. The workers stand still meanwhile, since what they hold
 * can be counted only before it is forgotten.
 */
export const crashedServer: FaultCase = {
  ...restartedServer,
  name: "server crashed",
  async run(stage) {
    const { crew, faults, isLong } = stage;
    const workers = await crew.startWorkers(2, { leaseMs: LEASE_MS });
    await crew.publisher();
    for (let crashes = isLong ? 4 : 1; crashes > 0; crashes -= 1) {
      await stage.handledMore(300);
      await faults.inject(() => restart(stage, "immediate"), { frozen: workers });
    }
    await stage.handledMore(100);
  },
};
