import type { FaultCase } from "../case.js";

const LONG_MS = 6_000;

/** A worker that is only not to be heard keeps its work: it renews its leases. */
export const cutListener: FaultCase = {
  name: "listener cut",
  messages: { short: 20, long: 20 },
  recoveryMs: LONG_MS + 5_000,
  async run(stage) {
    const { crew, faults, messages } = stage;
    const { proxy, url } = await stage.proxy();
    stage.repeats = 0;
    await crew.worker({ listenUrl: url });
    await crew.publishAtOnce(messages, { ms: LONG_MS });
    await faults.inject(async () => proxy.refuse());
    await crew.worker();
    await stage.handledAll();
    proxy.up();
  },
};
