import { expect } from "vitest";
import type { StartAt } from "../../../src/message/start-at.js";
import { settleBatches } from "../../../src/postgres/batch.js";
import { claimDeliveries, settleDeliveries } from "../../../src/postgres/delivery.js";
import { seek } from "../../../src/postgres/seek.js";
import { subscribe } from "../../../src/postgres/subscription.js";
import { type Engine, LEASE_MS, QUEUE, started } from "../engine.js";

const TOPIC = "t";
/** Other databases of the server may commit in between and hide a fault, so some are given several chances. */
const ROUNDS = 10;

const moveTo = (engine: Engine, to: StartAt) => seek(engine.db, QUEUE, to, TOPIC);
const claimant = { session: null, leaseMs: LEASE_MS };
const wanted = { limit: 10, suspects: 0, patterns: ["*"] };

/** Leaves the batch's messages for later. */
async function failAll(engine: Engine): Promise<void> {
  const batch = await engine.claimBatch();
  if (!batch) throw new Error("There is nothing to claim.");
  const failed = { state: "retrying", attempt: 1, afterMs: 0, reason: { code: "X" } } as const;
  const leftovers = new Map(batch.messages.map(({ position }) => [position, failed]));
  await settleBatches(engine.db, [{ key: batch.key, done: undefined, leftovers }], LEASE_MS);
}

/** The xid of the late one lies at or above the snapshot's xmax, on a quiet cluster. */
export async function aMoveToNowLosesNothingInFlight(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  for (let round = 0; round < ROUNDS; round += 1) {
    await late.query("begin");
    await engine.publish("t.before");
    await engine.publish("t.late", late);
    await moveTo(engine, "now");
    await engine.publish("t.after");
    await late.query("commit");
    expect(await engine.claim()).toEqual(["t.late", "t.after"]);
  }
}

/** Between its beginning and its snapshot a move may wait for a claim; what commits meanwhile is not lost. */
export async function aMoveThatWaitedTakesItsXidLast(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const [holder, waiting, late] = await Promise.all([
    engine.session(),
    engine.session(),
    engine.session(),
  ]);
  for (let round = 0; round < ROUNDS; round += 1) {
    await engine.publish("t.early");
    await holder.query("begin");
    await holder.query("select * from opinionated_events.claim('q', 't', 1, null, 60000)");
    const moving = started(waiting.query("select opinionated_events.seek('q', 'infinity')"));
    await engine.untilBlocked(waiting);
    await late.query("begin");
    await engine.publish("t.late", late);
    await holder.query("commit");
    await moving;
    await engine.publish("t.after");
    await late.query("commit");
    expect((await engine.claim()).sort()).toEqual(["t.after", "t.late"]);
  }
}

/** The queue has not read it, and the window that is opened next begins above it. */
export async function aMoveBackLosesNothingThatCommittedLate(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.1");
  await engine.publish("t.2");
  await engine.finish(await engine.lease(2, LEASE_MS));
  await late.query("commit");
  expect(await moveTo(engine, { position: "3" })).toEqual([{ topic: "t", from: "4", to: "3" }]);
  expect(await engine.deliveries()).toEqual(["t.late"]);
  expect(await engine.claim()).toEqual(["t.2"]);
  expect(await engine.claim()).toEqual([]);
}

/** Late rows, of which the window under way holds some more, lie below what was read before them. */
export async function aMoveBackLosesNothingOfALateWindow(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  for (const name of ["t.late1", "t.late2"]) await engine.publish(name, late);
  await engine.publish("t.3");
  expect(await engine.claim()).toEqual(["t.3"]);
  await late.query("commit");
  expect(await engine.claim(1)).toEqual(["t.late1"]);
  await moveTo(engine, { position: "3" });
  expect(await engine.deliveries()).toEqual(["t.late2"]);
  expect(await engine.claim()).toEqual(["t.3"]);
}

/** It was in flight for the window before, and has committed before the call. */
export async function aMoveToNowDropsWhatCommittedLate(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.1");
  await engine.finish(await engine.lease(1, LEASE_MS));
  await late.query("commit");
  await moveTo(engine, "now");
  expect(await engine.deliveries()).toEqual([]);
  expect(await engine.claim()).toEqual([]);
}

export async function whatIsJumpedOverIsNotHandled(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3"]) await engine.publish(name);
  expect(await engine.claim(1)).toEqual(["t.1"]);
  expect(await moveTo(engine, { position: 3n })).toEqual([{ topic: "t", from: "2", to: "3" }]);
  expect(await engine.claim()).toEqual(["t.3"]);
  expect(await engine.deliveries()).toEqual([]);
}

/** Else the failure of the message that is read again would find its row taken. */
export async function aMoveBackTakesDeliveriesBack(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2"]) await engine.publish(name);
  await failAll(engine);
  const running = await claimDeliveries(engine.db, QUEUE, wanted, claimant);
  await moveTo(engine, { position: "2" });
  expect(await engine.deliveries()).toEqual(["t.1"]);
  await failAll(engine);
  expect(await engine.deliveries()).toEqual(["t.1", "t.2"]);
  const progress = running.map(({ key }) => ({ key, result: { state: "done" } as const }));
  const lost = await settleDeliveries(engine.db, progress, LEASE_MS);
  expect(lost.map(({ key }) => key.position)).toEqual(["2"]);
}

/** Its message is read again, so that its handler's failure must not be the last word, nor its success. */
export async function aMoveBackTakesLeasesBack(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3"]) await engine.publish(name);
  const key = await engine.lease(2, LEASE_MS);
  await moveTo(engine, { position: "2" });
  expect(await engine.finish(key)).toBe(false);
  expect(await engine.deliveries()).toEqual(["t.1"]);
  expect(await engine.claim()).toEqual(["t.2", "t.3"]);
}

/** The log no longer has it, so it is not read again. */
export async function whatTheLogHasNotIsKept(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await failAll(engine);
  await engine.sql("delete from opinionated_events.message");
  await moveTo(engine, "earliest");
  expect(await engine.deliveries()).toEqual(["t.1"]);
}

export async function whatIsNotWantedAnyMoreIsKept(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.subscribe("t.1");
  for (const name of ["t.1", "t.2"]) await engine.publish(name);
  await failAll(engine);
  await engine.sql("select opinionated_events.unsubscribe('q', 't.*')");
  await moveTo(engine, "earliest");
  expect(await engine.deliveries()).toEqual(["t.2"]);
  expect(await engine.claim()).toEqual(["t.1"]);
}

/** Its batch has not ended, and the message is to be handled again. */
export async function aCommitDoesNotCountAfterAMoveBack(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2"]) await engine.publish(name);
  const { seq, token } = await engine.lease(2, LEASE_MS);
  await acknowledge(engine, { seq, position: "1", token });
  await moveTo(engine, "earliest");
  const again = await engine.claimBatch();
  expect(again?.messages.map(({ position }) => position)).toEqual(["1", "2"]);
  await acknowledge(engine, { seq: again?.key.seq, position: "1", token: again?.key.token });
}

async function acknowledge(
  engine: Engine,
  { seq, position, token }: Record<"seq" | "position" | "token", unknown>,
): Promise<void> {
  const session = await engine.session();
  await session.query("begin");
  await session.query("select set_config('opinionated_events_tx.token', $1, true)", [token]);
  await session.query("select opinionated_events.acknowledge('q', 't', $1, $2, $3)", [
    seq,
    position,
    token,
  ]);
  await session.query("commit");
}

/** What an earlier cluster wrote is above the place, and what this one writes as well. */
export async function aMoveBackCrossesARestore(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const n of [1, 2]) await engine.sql(oldMessage(n));
  await engine.sql("select opinionated_events.rebase()");
  await engine.publish("t.new");
  expect((await engine.claim()).concat(await engine.claim())).toEqual(["t.1", "t.2", "t.new"]);
  await moveTo(engine, { position: "2" });
  expect((await engine.claim()).concat(await engine.claim())).toEqual(["t.2", "t.new"]);
  expect(await engine.claim()).toEqual([]);
}

const oldMessage = (n: number) =>
  `insert into opinionated_events.message (xid, id, topic, name, payload)
   values ('5000000000', gen_random_uuid(), 't', 't.${n}', '{}')`;

export async function aPositionIncludesWhatIsInFlight(engine: Engine): Promise<void> {
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  for (const name of ["t.2", "t.3"]) await engine.publish(name);
  const subscription = { queue: QUEUE, pattern: "t.*", topic: TOPIC };
  await subscribe(engine.db, subscription, { position: "3" });
  await engine.publish("t.4");
  expect(await engine.claim()).toEqual(["t.3"]);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late", "t.4"]);
}

/** What it holds it may be about to empty; a cursor must not begin there. */
export async function movesWaitForRetention(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const [retention, moving] = await Promise.all([engine.session(), engine.session()]);
  for (const call of ["seek('q', '-infinity')", "subscribe('r', 't.*', '-infinity')"]) {
    await retention.query("begin");
    await retention.query(
      "select pg_advisory_xact_lock(hashtext('opinionated_events.retention'), 0)",
    );
    const moved = started(moving.query(`select opinionated_events.${call}`));
    await engine.untilBlocked(moving);
    await retention.query("commit");
    await moved;
  }
}

/** Nothing that was published from then on is missed, though the clock was set back meanwhile. */
export async function aTimeIsThatOfTheFirstFromThenOn(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const times = ["10:00", "12:00", "11:00", "13:00"];
  for (const time of times) {
    await engine.sql(
      `insert into opinionated_events.message (id, topic, name, payload, published_at)
       values (gen_random_uuid(), 't', $1, '{}', $2)`,
      [`t.${time}`, `2026-01-01T${time}:00Z`],
    );
  }
  await moveTo(engine, new Date("2026-01-01T11:30:00Z"));
  expect(await engine.claim()).toEqual(["t.12:00", "t.11:00", "t.13:00"]);
  await moveTo(engine, new Date("2026-01-01T14:00:00Z"));
  expect(await engine.claim()).toEqual([]);
}
