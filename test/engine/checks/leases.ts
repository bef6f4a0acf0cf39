import { expect } from "vitest";
import { settleBatches } from "../../../src/postgres/batch.js";
import { claimDeliveries, settleDeliveries } from "../../../src/postgres/delivery.js";
import { type Engine, LEASE_MS, QUEUE, started } from "../engine.js";

async function publishSome(engine: Engine, ...names: string[]): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of names) await engine.publish(name);
}

/** A server that crashes forgets a claim, whose commit doesn't wait for the disk; then the same batch is leased again. */
export async function aForgottenLeaseSettlesNothing(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  const forgotten = await engine.lease(1, LEASE_MS);
  await engine.sql("delete from opinionated_events.lease");
  await engine.sql("delete from opinionated_events.batch where seq = $1", [forgotten.seq]);
  const lease = await engine.lease(1, LEASE_MS);
  expect(lease.seq).toBe(forgotten.seq);
  expect(await engine.finish(forgotten)).toBe(false);
  expect(await engine.finish(lease)).toBe(true);
}

export async function aForgottenLeaseRenewsNothing(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2");
  const { messages, key: forgotten } = (await engine.claimBatch(2, LEASE_MS)) ?? expect.fail();
  await engine.sql("delete from opinionated_events.lease");
  await engine.sql("delete from opinionated_events.batch where seq = $1", [forgotten.seq]);
  await engine.lease(2, 0);
  const done = messages.slice(0, 1).map(({ position }) => position);
  const progress = [{ key: forgotten, done, leftovers: new Map() }];
  expect(await settleBatches(engine.db, progress, LEASE_MS)).toEqual(progress);
  expect(await engine.sweep()).toBe(2);
}

export async function aLostLeaseSettlesNothing(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  const lost = await engine.lease(1, 0);
  expect(await engine.sweep()).toBe(1);
  expect(await engine.finish(lost)).toBe(false);
  expect(await engine.deliveries()).toEqual(["t.1"]);
}

export async function whatIsDoneIsNotTakenOver(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2", "t.3");
  const { key, messages } = (await engine.claimBatch(3, LEASE_MS)) ?? expect.fail();
  const done = messages.slice(0, 2).map(({ position }) => position);
  await settleBatches(engine.db, [{ key, done, leftovers: new Map() }], 0);
  expect(await engine.sweep()).toBe(1);
  expect(await engine.deliveries()).toEqual(["t.3"]);
}

export async function lateAndNewRowsAreTakenOver(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.1", late);
  await engine.publish("t.0");
  expect(await engine.claim()).toEqual(["t.0"]);
  await engine.publish("t.2");
  await late.query("commit");
  await engine.publish("t.3");
  const first = await engine.lease(2, 0);
  const second = await engine.lease(2, 0);
  await engine.publish("t.4");
  expect(await engine.sweep()).toBe(3);
  expect(await engine.deliveries()).toEqual(["t.1", "t.2", "t.3"]);
  expect([await engine.finish(first), await engine.finish(second)]).toEqual([false, false]);
}

export async function aTakeOverKeepsToItsBatch(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2", "t.3");
  const finished = await engine.lease(1, LEASE_MS);
  await engine.lease(1, 0);
  const open = await engine.lease(1, LEASE_MS);
  expect(await engine.finish(finished)).toBe(true);
  expect(await engine.sweep()).toBe(1);
  expect(await engine.deliveries()).toEqual(["t.2"]);
  expect(await engine.finish(open)).toBe(true);
}

/** Sweeps look at leases from a remembered bound on, which must not pass one that is open. */
export async function anOldLeaseIsFoundBehindNewerOnes(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2", "t.3", "t.4");
  const lost = await engine.lease(1, LEASE_MS);
  for (let n = 0; n < 2; n += 1) await engine.finish(await engine.lease(1, LEASE_MS));
  expect(await engine.sweep()).toBe(0);
  await engine.sql("update opinionated_events.lease set expires_at = clock_timestamp()");
  expect(await engine.sweep()).toBe(1);
  expect(await engine.deliveries()).toEqual(["t.1"]);
  expect(await engine.finish(lost)).toBe(false);
  expect(await engine.claim()).toEqual(["t.4"]);
}

/** The sweep finds two that are expired; the second one is renewed while it is held up by the first. */
export async function aRenewedLeaseIsNotTakenOver(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2");
  await engine.lease(1, 0);
  const key = await engine.lease(1, 0);
  const [other, sweeper] = await Promise.all([engine.session(), engine.session()]);
  await other.query("begin");
  await other.query(`insert into opinionated_events.delivery (queue, topic, position, name, id, payload, published_at,
      state, due_at, attempt)
    select 'q', topic, position, name, id, payload, published_at, 'dead', 'infinity', 1
    from opinionated_events.message where name = 't.1'`);
  const swept = started(sweeper.query("select taken from opinionated_events.sweep('{q}', 0)"));
  await engine.untilBlocked(sweeper);
  const renewal = [{ key, done: [], leftovers: new Map() }];
  expect(await settleBatches(engine.db, renewal, LEASE_MS)).toEqual([]);
  await other.query("rollback");
  expect((await swept).rows).toEqual([{ taken: 1 }]);
  expect(await engine.deliveries()).toEqual(["t.1"]);
  expect(await engine.finish(key)).toBe(true);
}

/** The sweep finds it expired, and passes by it while a renewal is under way. */
export async function aRenewalUnderWayIsNotTakenOver(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  const key = await engine.lease(1, 0);
  const worker = await engine.session();
  await worker.query("begin");
  await worker.query("select opinionated_events.settle_batches($1, null, $2)", [
    JSON.stringify([{ n: 0, ...key, done: [] }]),
    LEASE_MS,
  ]);
  expect(await engine.sweep()).toBe(0);
  await worker.query("commit");
  expect(await engine.sweep()).toBe(0);
  expect(await engine.finish(key)).toBe(true);
}

/** Later than PostgreSQL can tell; nothing else in the statement may fail for it. */
export async function aRetryInAnotherAgeIsRecorded(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  const { key, messages } = (await engine.claimBatch(1, LEASE_MS)) ?? expect.fail();
  const retry = { state: "retrying", attempt: 1, afterMs: Number.MAX_VALUE } as const;
  const leftovers = new Map(messages.map(({ position }) => [position, retry]));
  expect(await settleBatches(engine.db, [{ key, done: undefined, leftovers }], LEASE_MS)).toEqual(
    [],
  );
  expect(await engine.deliveries()).toEqual(["t.1"]);
}

/** The answer to a settlement is lost, and the worker repeats it. */
export async function aRepeatedSettlementMakesNoSecondDelivery(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1", "t.2");
  const { key, messages } = (await engine.claimBatch(2, LEASE_MS)) ?? expect.fail();
  const done = messages.slice(0, 1).map(({ position }) => position);
  const leftovers = new Map(done.map((it) => [it, { state: "waiting", attempt: 0 } as const]));
  const settle = () => settleBatches(engine.db, [{ key, done, leftovers }], LEASE_MS);
  await settle();
  const claimed = await claimSome(engine);
  const results = claimed.map(({ key }) => ({ key, result: { state: "done" } as const }));
  expect(await settleDeliveries(engine.db, results, LEASE_MS)).toEqual([]);
  await settle();
  expect(await engine.deliveries()).toEqual([]);
}

export async function aLostDeliverySettlesNothing(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  await engine.lease(1, 0);
  await engine.sweep();
  const [lost] = await claimSome(engine, 0);
  const [claimed] = await claimSome(engine);
  if (!lost || !claimed) return expect.fail();
  expect(claimed.lost).toBe(lost.lost + 1);
  for (const result of [{ state: "done" }, { state: "waiting", attempt: 1 }, undefined] as const) {
    const late = [{ key: lost.key, result }];
    expect(await settleDeliveries(engine.db, late, LEASE_MS)).toEqual(late);
  }
  const inTime = [{ key: claimed.key, result: { state: "done" } as const }];
  expect(await settleDeliveries(engine.db, inTime, LEASE_MS)).toEqual([]);
}

/** One that is leased may be due again only when its lease is over. */
export async function aDeliveryIsClaimedOnce(engine: Engine): Promise<void> {
  await publishSome(engine, "t.1");
  await engine.lease(1, 0);
  await engine.sweep();
  expect(await claimSome(engine)).toHaveLength(1);
  expect(await claimSome(engine)).toHaveLength(0);
}

function claimSome(engine: Engine, leaseMs = LEASE_MS) {
  const request = { limit: 10, suspects: 10, patterns: ["t.*"] };
  return claimDeliveries(engine.db, QUEUE, request, { session: null, leaseMs });
}
