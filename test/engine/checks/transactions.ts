import type pg from "pg";
import { expect } from "vitest";
import { type BatchKey, settleBatches } from "../../../src/postgres/batch.js";
import {
  type ClaimedDelivery,
  claimDeliveries,
  type DeliveryKey,
  settleDeliveries,
} from "../../../src/postgres/delivery.js";
import { type Engine, LEASE_MS, QUEUE, started } from "../engine.js";

type Key = BatchKey | DeliveryKey;

const ENDED = { code: "OE001" };
const HANDLED = { code: "OE002" };
const LOST = { code: "OE003" };

/** A batch of so many messages that were published just now. */
async function leased(engine: Engine, count = 1, leaseMs = LEASE_MS) {
  await engine.subscribe("t.*");
  for (let n = 1; n <= count; n += 1) await engine.publish(`t.${n}`);
  const { key, messages } = (await engine.claimBatch(count, leaseMs)) ?? expect.fail();
  return { key, positions: messages.map(({ position }) => position) };
}

/** A session in a handler's transaction. */
async function begun(engine: Engine, { token }: Key): Promise<pg.Client> {
  const session = await engine.session();
  await session.query("begin");
  await session.query("select set_config('opinionated_events_tx.token', $1, true)", [token]);
  return session;
}

/** A session that fails rather than wait for a lock. */
async function impatient(engine: Engine): Promise<pg.Client> {
  const session = await engine.session();
  await session.query("set lock_timeout = '1s'");
  return session;
}

function acknowledge(session: pg.Client, key: Key, position: string | undefined) {
  const [topic, seq] = "seq" in key ? [key.topic, key.seq] : [null, null];
  const values = [key.queue, topic, seq, position, key.token];
  return session.query("select opinionated_events.acknowledge($1, $2, $3, $4, $5)", values);
}

/** A handler's transaction, whole. */
async function handle(engine: Engine, key: Key, position: string | undefined): Promise<void> {
  const session = await begun(engine, key);
  await acknowledge(session, key, position);
  await session.query("commit");
}

/** Records that a message of a batch is to be retried at once, with the lease going on. */
async function retry(engine: Engine, key: BatchKey, position: string): Promise<void> {
  const leftovers = new Map([[position, { state: "waiting", attempt: 0 } as const]]);
  const progress = [{ key, done: [position], leftovers }];
  expect(await settleBatches(engine.db, progress, LEASE_MS)).toEqual([]);
}

function claimSome(engine: Engine, leaseMs = LEASE_MS): Promise<readonly ClaimedDelivery[]> {
  const request = { limit: 10, suspects: 10, patterns: ["t.*"] };
  return claimDeliveries(engine.db, QUEUE, request, { session: null, leaseMs });
}

/** One whose lease is over at once. */
async function claimOne(engine: Engine, leaseMs = LEASE_MS): Promise<DeliveryKey> {
  const [claimed] = await claimSome(engine, leaseMs);
  return claimed?.key ?? expect.fail("There is no delivery.");
}

/** A message whose batch was lost, so that it has a delivery. */
async function takenOver(engine: Engine): Promise<void> {
  await leased(engine, 1, 0);
  expect(await engine.sweep()).toBe(1);
}

async function finish(engine: Engine, key: DeliveryKey): Promise<void> {
  const progress = [{ key, result: { state: "done" } as const }];
  expect(await settleDeliveries(engine.db, progress, LEASE_MS)).toEqual([]);
}

async function expectNothingLeft(engine: Engine): Promise<void> {
  expect(await claimSome(engine)).toEqual([]);
  expect(await engine.deliveries()).toEqual([]);
  await expectInbox(engine, 0);
}

async function expectInbox(engine: Engine, count: number): Promise<void> {
  expect(await engine.sql("select from opinionated_events.inbox")).toHaveLength(count);
}

export async function aCommittedMessageIsNotTakenOver(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2, 0);
  await handle(engine, key, positions[0]);
  expect(await engine.sweep()).toBe(1);
  expect(await engine.deliveries()).toEqual(["t.2"]);
  await expectInbox(engine, 0);
}

/** The sweep passes by what it would have to wait for; other batches are taken over. */
export async function aCommitUnderWayIsNotTakenOver(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 1, 0);
  await engine.publish("t.2");
  await engine.lease(1, 0);
  const worker = await begun(engine, key);
  await acknowledge(worker, key, positions[0]);
  const sweeper = await impatient(engine);
  const { rows } = await sweeper.query("select taken from opinionated_events.sweep('{q}', 0)");
  expect(rows).toEqual([{ taken: 1 }]);
  expect(await engine.deliveries()).toEqual(["t.2"]);
  await worker.query("commit");
  expect(await engine.sweep()).toBe(0);
  expect(await engine.deliveries()).toEqual(["t.2"]);
  await expectInbox(engine, 0);
}

export async function aRenewalPassesACommitUnderWay(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const worker = await begun(engine, key);
  await acknowledge(worker, key, positions[0]);
  const renewer = await impatient(engine);
  const renewal = JSON.stringify([{ n: 0, ...key, done: [] }]);
  const settle = "select opinionated_events.settle_batches($1, null, $2)";
  expect((await renewer.query(settle, [renewal, LEASE_MS])).rows).toHaveLength(1);
  await worker.query("commit");
}

export async function aLostBatchAcknowledgesNothing(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 1, 0);
  expect(await engine.sweep()).toBe(1);
  await expect(handle(engine, key, positions[0])).rejects.toMatchObject(LOST);
}

/** As after a crash of the server that forgot the claim. */
export async function aForgottenBatchAcknowledgesNothing(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine);
  await engine.sql("delete from opinionated_events.lease");
  await engine.sql("delete from opinionated_events.batch where seq = $1", [key.seq]);
  const again = await engine.lease(1, LEASE_MS);
  await expect(handle(engine, key, positions[0])).rejects.toMatchObject(LOST);
  await handle(engine, again, positions[0]);
}

/** Its handler had run out of time, went on, and comes after its own repetition is done. */
export async function aRetriedMessageIsNotAcknowledgedByItsBatch(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const [position = ""] = positions;
  await retry(engine, key, position);
  await finish(engine, await claimOne(engine));
  await expect(handle(engine, key, position)).rejects.toMatchObject(LOST);
}

/** The same, while its acknowledgement is held up by another one that rolls back. */
export async function whatHappenedBeforeTheAcknowledgementCounts(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const [position = ""] = positions;
  const other = await engine.session();
  await other.query("begin");
  await other.query("insert into opinionated_events.inbox values ('q', $1)", [position]);
  const late = await begun(engine, key);
  const acknowledged = started(acknowledge(late, key, position));
  await engine.untilBlocked(late);
  await retry(engine, key, position);
  await finish(engine, await claimOne(engine));
  await other.query("rollback");
  await expect(acknowledged).rejects.toMatchObject(LOST);
}

export async function aLostDeliveryAcknowledgesNothing(engine: Engine): Promise<void> {
  await takenOver(engine);
  const lost = await claimOne(engine, 0);
  const key = await claimOne(engine);
  await expect(handle(engine, lost, lost.position)).rejects.toMatchObject(LOST);
  await handle(engine, key, key.position);
  await finish(engine, key);
  await expectNothingLeft(engine);
}

export async function aCommittedDeliveryIsNotRunAgain(engine: Engine): Promise<void> {
  await takenOver(engine);
  const key = await claimOne(engine, 0);
  await handle(engine, key, key.position);
  await expectNothingLeft(engine);
}

export async function aCommitUnderWayIsNotClaimed(engine: Engine): Promise<void> {
  await takenOver(engine);
  const key = await claimOne(engine, 0);
  const worker = await begun(engine, key);
  await acknowledge(worker, key, key.position);
  expect(await claimSome(engine)).toEqual([]);
  await worker.query("commit");
  await expectNothingLeft(engine);
}

/** The answer to the commit was lost, so that the worker reports a failure. */
export async function aCommittedMessageIsNotRetried(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const [position = ""] = positions;
  await handle(engine, key, position);
  await retry(engine, key, position);
  expect(await engine.deliveries()).toEqual([]);
  expect(await engine.finish(key)).toBe(true);
  await expectNothingLeft(engine);
}

export async function aCommittedDeliveryIsNotDead(engine: Engine): Promise<void> {
  await takenOver(engine);
  const key = await claimOne(engine);
  await handle(engine, key, key.position);
  const dead = { state: "dead", attempt: 1 } as const;
  expect(await settleDeliveries(engine.db, [{ key, result: dead }], LEASE_MS)).toEqual([]);
  await expectNothingLeft(engine);
}

/** A commit that was thought lost comes to its end while the message is being handled again. */
export async function onlyOneOfTwoTransactionsCommits(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const [position = ""] = positions;
  const first = await begun(engine, key);
  await acknowledge(first, key, position);
  await retry(engine, key, position);
  const delivery = await claimOne(engine);
  const second = await begun(engine, delivery);
  const acknowledged = started(acknowledge(second, delivery, position));
  await engine.untilBlocked(second);
  await first.query("commit");
  await expect(acknowledged).rejects.toMatchObject(HANDLED);
  await second.query("rollback");
  await finish(engine, delivery);
  expect(await engine.finish(key)).toBe(true);
  await expectNothingLeft(engine);
}

/** It comes to its end after the retry was recorded, and before anybody has begun with it. */
export async function aRetryOfWhatCommitsLateIsNotRun(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  const [position = ""] = positions;
  const late = await begun(engine, key);
  await acknowledge(late, key, position);
  await retry(engine, key, position);
  await late.query("commit");
  expect(await engine.finish(key)).toBe(true);
  await expectInbox(engine, 1);
  await expectNothingLeft(engine);
}

export async function aFinishedBatchLeavesNothing(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine, 2);
  for (const position of positions) await handle(engine, key, position);
  await expectInbox(engine, 2);
  expect(await engine.finish(key)).toBe(true);
  await expectNothingLeft(engine);
}

/** The batch ends while the commit is under way, whose message its worker had given up. */
export async function aBatchThatWaitedForACommitLeavesNothing(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine);
  const worker = await begun(engine, key);
  await acknowledge(worker, key, positions[0]);
  const settler = await engine.session();
  const settled = started(
    settler.query("select opinionated_events.settle_batches($1, null, 0)", [
      JSON.stringify([{ n: 0, ...key }]),
    ]),
  );
  await engine.untilBlocked(settler);
  await worker.query("commit");
  await settled;
  await expectNothingLeft(engine);
}

export async function anEndedTransactionAcknowledgesNothing(engine: Engine): Promise<void> {
  const { key, positions } = await leased(engine);
  for (const end of ["commit", "rollback", "commit; begin", "commit and chain"]) {
    const session = await begun(engine, key);
    await session.query(end);
    const acknowledged = acknowledge(session, key, positions[0]);
    await expect(acknowledged).rejects.toMatchObject(ENDED);
  }
  await expectInbox(engine, 0);
}
