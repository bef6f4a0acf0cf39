import type { FaultCase } from "../case.js";
import { countInFlight } from "../state.js";
import { until } from "../until.js";

const LEASE_MS = 5_000;
const SHORT_LEASE_MS = 3_000;

/** All connections of a worker go silent, in both directions; later all that was said arrives. */
export const blackHole: FaultCase = {
  name: "black hole",
  messages: { short: 2_000, long: 40_000 },
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
  messages: { short: 2_000, long: 40_000 },
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

const HELD = 60;
const SLOW_MS = 400;

/** Behind a black hole a slow worker loses its lease. Once it hears of that, it begins no more of the messages. */
export const lostLease: FaultCase = {
  name: "lease lost",
  messages: { short: 300, long: 300 },
  recoveryMs: SHORT_LEASE_MS + 5_000,
  async run(stage) {
    const { proxy, url } = await stage.proxy();
    const { crew, faults, pool } = stage;
    const options = { maxWorkers: 1, leaseMs: SHORT_LEASE_MS };
    const slow = await crew.worker({ ...options, url, handleMs: SLOW_MS });
    const handledBySlow = () => stage.book.handledBy.get(slow.name) ?? 0;
    // So that it expects them to be fast, and takes many at once.
    await crew.publisher({ ms: 0, perSecond: 1_000 });
    await stage.published(200);
    await crew.stopPublishers();
    await stage.handledAll();
    const before = handledBySlow();
    await crew.stopPublisher(await publishedBulk());
    const many = async () => ((await countInFlight(pool)) > HELD / 2 ? countInFlight(pool) : 0);
    await faults.inject(async () => proxy.silence(), { frozen: [slow], inFlight: many });
    const quick = await crew.worker({ ...options, maxWorkers: 10 });
    await stage.leasesEnded();
    proxy.up();
    const atMost = handledBySlow() - before + (4 * 1_000) / SLOW_MS;
    stage.repeats = atMost;
    await stage.handledAll();
    await crew.retire(quick);
    // Nobody else is there to handle it, and it can't overtake what the slow one still holds.
    await crew.publisher({ perSecond: 100 });
    await stage.handledMore(1);

    async function publishedBulk() {
      const bulk = await crew.bulk(HELD);
      await until("it has published", () => stage.book.unresolved(bulk.name) === HELD);
      return bulk;
    }
  },
};

const LONG_MS = 6_000;

/** A worker that is only not to be heard keeps its work: it renews its leases. */
export const cutListener: FaultCase = {
  name: "listener cut",
  messages: { short: 20, long: 20 },
  recoveryMs: LONG_MS + 5_000,
  async run(stage) {
    const { proxy, url } = await stage.proxy();
    const { crew, faults, messages } = stage;
    stage.repeats = 0;
    await crew.worker({ listenUrl: url });
    const bulk = await crew.bulk(messages, { ms: LONG_MS });
    await stage.published(messages);
    await crew.stopPublisher(bulk);
    await faults.inject(async () => proxy.refuse());
    await crew.worker();
    await stage.handledAll();
    proxy.up();
  },
};
