import type { FaultCase } from "../case.js";
import { countInFlight } from "../state.js";

const LEASE_MS = 3_000;
const QUICK = 200;
const HELD = 60;
const SLOW_MS = 400;
/** How long it may take to hear that a lease is lost: it is renewed each second. */
const HEARD_MS = 4_000;

/** Behind a black hole a slow worker loses its lease. Once it hears of that, it begins no more of the messages. */
export const lostLease: FaultCase = {
  name: "lease lost",
  messages: { short: QUICK + HELD + 1, long: QUICK + HELD + 1 },
  recoveryMs: LEASE_MS + 5_000,
  async run(stage) {
    const { crew, faults, pool } = stage;
    const { proxy, url } = await stage.proxy();
    const options = { maxWorkers: 1, leaseMs: LEASE_MS, handleMs: SLOW_MS };
    const slow = await crew.worker({ ...options, url });
    const handledBySlow = () => stage.book.handledBy.get(slow.name) ?? 0;
    // So that it expects them to be quick, and takes many at once.
    await crew.publishAtOnce(QUICK, { ms: 0 });
    await stage.handledAll();
    const before = handledBySlow();
    await crew.publishAtOnce(HELD);
    const many = async () => {
      const count = await countInFlight(pool);
      return count > HELD / 2 ? count : 0;
    };
    await faults.inject(async () => proxy.silence(), { frozen: [slow], inFlight: many });
    const quick = await crew.worker({ leaseMs: LEASE_MS });
    await stage.leasesEnded();
    proxy.up();
    stage.repeats = handledBySlow() - before + HEARD_MS / (SLOW_MS / 2);
    await stage.handledAll();
    await crew.retire(quick);
    // Nobody else is there to handle it, and it can't overtake what the slow one still holds.
    await crew.publishAtOnce(1, { ms: 0 });
    await stage.handledAll();
  },
};
