import { expect } from "vitest";
import { declareQueue } from "../../../src/postgres/queue.js";
import { type Known, sweep as sweepQueues } from "../../../src/postgres/takeover.js";
import { poll } from "../../../src/postgres/wake.js";
import { type Engine, LEASE_MS, QUEUE } from "../engine.js";
import { OrderedWorker } from "../ordered-queue.js";

const settledOf = async ({ db }: Engine) =>
  (await poll(db, [{ queue: QUEUE, patterns: ["t.*"] }])).settled;

const sweep = ({ db }: Engine, known: Known) => sweepQueues(db, [QUEUE], 0, known);

const expire = (engine: Engine) =>
  engine.sql("update opinionated_events.lease set expires_at = clock_timestamp()");

async function clear(engine: Engine): Promise<Known> {
  const settled = await settledOf(engine);
  await sweep(engine, {}); // trims
  const { cleared } = await sweep(engine, { settled });
  expect(cleared).toBe(settled ?? expect.fail());
  return { cleared };
}

export async function aLeaseIsNotCleared(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.claimBatch();
  const settled = await settledOf(engine);
  expect(settled).toBeDefined();
  const { cleared } = await sweep(engine, { settled });
  await expire(engine);
  expect(await sweep(engine, { settled, cleared })).toMatchObject({ taken: 1 });
  expect(await sweep(engine, { settled })).toMatchObject({ taken: 0, cleared: settled });
}

export async function whatIsDrawnIsNotClear(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const known = await clear(engine);
  await engine.publish("t.1");
  await engine.claimBatch();
  await expire(engine);
  expect(await sweep(engine, known)).toMatchObject({ taken: 1 });
}

/** It was there before the sweep, which sees no lease since nobody has claimed it yet. */
export async function whatNoPollHasSeenIsNotClear(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const settled = await settledOf(engine);
  await engine.publish("t.1");
  const { cleared } = await sweep(engine, { settled });
  await engine.claimBatch();
  await expire(engine);
  expect(await sweep(engine, { cleared })).toMatchObject({ taken: 1 });
}

export async function aQueueThatWasMovedBackIsNotClear(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.finish(await engine.lease(100, LEASE_MS));
  const known = await clear(engine);
  await engine.sql("select from opinionated_events.seek('q', '-infinity')");
  await engine.claimBatch();
  await expire(engine);
  expect(await sweep(engine, known)).toMatchObject({ taken: 1 });
}

export async function aClearedSweepLooksAtNoTopic(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const { cleared } = await clear(engine);
  const session = await engine.session();
  await session.query("begin");
  const looks = async (known: string | null | undefined) => {
    await session.query("select from opinionated_events.sweep('{q}', 0, null, $1)", [known]);
    const scans =
      "select pg_stat_get_xact_numscans('opinionated_events.batch_pkey'::regclass)::int";
    const { rows } = await session.query(`${scans} as scans`);
    return rows[0].scans;
  };
  expect(await looks(cleared)).toBe(0);
  expect(await looks(null)).toBeGreaterThan(0);
}

/** Its sweeps free keys, too. */
export async function anOrderedQueueIsNotClear(engine: Engine): Promise<void> {
  await declareQueue(engine.db, QUEUE, { ordered: true });
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await new OrderedWorker(engine, "w").claim();
  const known = await clear(engine);
  await expire(engine);
  expect(await sweep(engine, known)).toMatchObject({ taken: 1 });
}
