import type { FaultCase } from "../case.js";

const LEASE_MS = 5_000;

/** All connections of a worker go silent, in both directions; later all that was said arrives. */
export const blackHole: FaultCase = {
  name: "black hole",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: LEASE_MS + 5_000,
  async run(stage) {
    const { proxy, url } = await stage.proxy();
    const { crew, faults, isLong } = stage;
    const cut = await crew.worker({ url, leaseMs: LEASE_MS });
    await crew.startWorkers(2, { leaseMs: LEASE_MS });
    await crew.publisher();
    for (let times = isLong ? 3 : 1; times > 0; times -= 1) {
      await stage.handledMore(300);
      await faults.inject(async () => proxy.silence(), { frozen: [cut], inFlight: stage.allBusy });
      await stage.leasesEnded();
      proxy.up();
    }
    await stage.endPublishing();
    await stage.handledAll();
    await crew.retire(cut);
  },
};

/** All connections are cut, again and again. */
export const resets: FaultCase = {
  name: "connections reset",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: LEASE_MS + 5_000,
  async run(stage) {
    const { proxy, url } = await stage.proxy();
    const { crew, faults, isLong } = stage;
    await crew.startWorkers(2, { url, leaseMs: LEASE_MS });
    await crew.publisher({ url });
    for (let times = isLong ? 20 : 3; times > 0; times -= 1) {
      await stage.handledMore(200);
      await faults.inject(async () => proxy.reset());
    }
    await stage.endPublishing();
    await stage.settle(LEASE_MS + 5_000);
    for (const worker of [...crew.workers]) await crew.retire(worker);
  },
};
