import type { FaultCase } from "../case.js";
import type { Server } from "../database.js";
import { countInFlight } from "../state.js";

const LEASE_MS = 5_000;

function standbyOf({ standby }: Server): NonNullable<Server["standby"]> {
  if (!standby) throw new Error("A server with a standby is needed.");
  return standby;
}

/** The primary is ended in the middle of work, and a standby takes its place that has all that was committed. */
export const promotedStandby: FaultCase = {
  name: "standby promoted",
  messages: { short: 1_500, long: 20_000 },
  recoveryMs: LEASE_MS + 10_000,
  ordered: true,
  standby: "synchronous",
  async run(stage) {
    const { crew, faults, messages } = stage;
    const workers = await crew.startWorkers(2, { leaseMs: LEASE_MS, ordered: true, handleMs: 5 });
    await crew.publisher({ perSecond: 800, mix: { retry: 50 } });
    await stage.handledMore(messages / 4);
    await faults.inject(() => standbyOf(stage.server).failOver(), { frozen: workers });
    await stage.handledMore(100);
  },
};

/** The standby lacks the newest commits: they never were, and what was handled since is handled again. */
export const lateStandby: FaultCase = {
  name: "standby behind promoted",
  messages: { short: 2_000, long: 40_000 },
  recoveryMs: LEASE_MS + 10_000,
  standby: "asynchronous",
  forgets: true,
  async run(stage) {
    const { crew, faults, pool, messages } = stage;
    const workers = await crew.startWorkers(2, { leaseMs: LEASE_MS });
    await crew.publisher();
    await stage.handledMore(messages / 4);
    const before = await standing(workers, async () => {
      await standbyOf(stage.server).partReplication();
      return { inFlight: await countInFlight(pool), handled: timesHandled(stage) };
    });
    await stage.handledMore(200);
    await faults.inject(
      async () => {
        stage.repeats =
          before.inFlight + timesHandled(stage) - before.handled + (await countInFlight(pool));
        await standbyOf(stage.server).failOver();
      },
      { frozen: workers },
    );
    await stage.handledMore(100);
  },
};

function timesHandled({ book }: { book: { handled: ReadonlyMap<string, { times: number }> } }) {
  return [...book.handled.values()].reduce((sum, { times }) => sum + times, 0);
}

/** While they stand still. */
async function standing<T>(
  children: readonly { freeze(): void; thaw(): void }[],
  work: () => Promise<T>,
): Promise<T> {
  for (const child of children) child.freeze();
  try {
    return await work();
  } finally {
    for (const child of children) child.thaw();
  }
}
