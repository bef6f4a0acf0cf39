import type { FaultCase } from "../case.js";

/** Dead rows can't be cleaned away behind it, and deliveries leave many. */
export const pinnedSnapshot: FaultCase = {
  name: "snapshot pinned",
  messages: { short: 1_500, long: 140_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, pool, isLong, messages } = stage;
    stage.repeats = 0;
    const holder = await pool.connect();
    try {
      await crew.startWorkers(2);
      await crew.publisher({
        mix: { retry: 10, scheduled: 2 },
        perSecond: isLong ? 3_000 : 1_500,
        size: 30,
      });
      await faults.inject(() => holder.query("begin isolation level repeatable read; select 1"));
      await stage.published(messages);
      await crew.stopPublishers();
      await stage.settle(10_000);
    } finally {
      holder.release(true);
    }
  },
};

/** It publishes first, and commits last. */
export const openTransaction: FaultCase = {
  name: "transaction open",
  messages: { short: 1_000, long: 40_000 },
  recoveryMs: 5_000,
  async run(stage) {
    const { crew, faults, messages } = stage;
    stage.repeats = 0;
    await crew.startWorkers(2);
    const first = await crew.bulk(10);
    await stage.published(10);
    const publisher = await crew.publisher();
    await stage.published(messages);
    await faults.inject(() => crew.stopPublisher(publisher));
    await stage.handledAll();
    await crew.stopPublisher(first);
  },
};

/** Its rows lie among those of others, and become visible all at once. */
export const bulkTransaction: FaultCase = {
  name: "bulk transaction",
  messages: { short: 21_000, long: 1_010_000 },
  recoveryMs: 120_000,
  async run(stage) {
    const { crew, faults, isLong, messages } = stage;
    stage.repeats = 0;
    await crew.startWorkers(2, { handleMs: 0 });
    await crew.publisher({ perSecond: 500 });
    const bulk = await crew.bulk(isLong ? 1_000_000 : 20_000);
    await stage.published(messages);
    await faults.inject(() => crew.stopPublisher(bulk));
    await faults.happened();
  },
};
