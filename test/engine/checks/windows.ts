import { expect } from "vitest";
import { type Engine, started } from "../engine.js";

/** Other databases of the server may commit in between and hide a fault, so some are given several chances. */
const ROUNDS = 10;

export async function aLateCommitIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.early");
  expect(await engine.claim()).toEqual(["t.early"]);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late"]);
  expect(await engine.claim()).toEqual([]);
}

/** `xmax` of a snapshot is the newest finished xid plus one: this transaction runs at or above it. */
export async function aTransactionAboveXmaxIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  for (let round = 0; round < ROUNDS; round += 1) {
    await late.query("begin");
    await engine.publish("t.early");
    await engine.publish("t.late", late);
    expect(await engine.claim()).toEqual(["t.early"]);
    await late.query("commit");
    expect(await engine.claim()).toEqual(["t.late"]);
  }
}

/** Its xid is older than the window's mark, its position above the window's head. */
export async function aRowIsNotBothLateAndNew(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.writer();
  await engine.publish("t.early");
  expect(await engine.claim()).toEqual(["t.early"]);
  await engine.publish("t.late", late);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late"]);
  expect(await engine.claim()).toEqual([]);
}

/** What commits between two batches of a window belongs to the next window. */
export async function aWindowKeepsItsSnapshot(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.2", late);
  await engine.publish("t.3");
  expect(await engine.claim(1)).toEqual(["t.1"]);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.3"]);
  expect(await engine.claim()).toEqual(["t.2"]);
  expect(await engine.claim()).toEqual([]);
}

export async function lateAndNewRowsComeInOrder(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.1", late);
  await engine.publish("t.0");
  expect(await engine.claim()).toEqual(["t.0"]);
  await engine.publish("t.2");
  await engine.publish("t.3", late);
  await late.query("commit");
  await engine.publish("t.4");
  expect(await engine.claim(3)).toEqual(["t.1", "t.2", "t.3"]);
  expect(await engine.claim(3)).toEqual(["t.4"]);
  expect(await engine.claim(3)).toEqual([]);
}

/** The claim waits for another one; what commits meanwhile must not fall between its mark and its head. */
export async function aClaimThatWaitedTakesItsXidLast(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const [holder, waiting, late] = await Promise.all([
    engine.session(),
    engine.session(),
    engine.session(),
  ]);
  for (let round = 0; round < ROUNDS; round += 1) {
    await engine.publish("t.early");
    await holder.query("begin");
    await holder.query(claimOne);
    const claimed = started(waiting.query(claimOne));
    await engine.untilBlocked(waiting);
    await engine.publish("t.second");
    await late.query("begin");
    await engine.publish("t.late", late);
    await holder.query("commit");
    expect((await claimed).rows.map(({ name }) => name)).toEqual([null, "t.second"]);
    await late.query("commit");
    expect(await engine.claim()).toEqual(["t.late"]);
  }
}

/** Two at once take turns: the second sees the first one's batch. */
export async function claimsOfOneTopicTakeTurns(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.publish("t.2");
  const [holder, waiting] = await Promise.all([engine.session(), engine.session()]);
  await holder.query("begin");
  await holder.query(claimOne);
  const claimed = started(waiting.query(claimOne));
  await engine.untilBlocked(waiting);
  await holder.query("commit");
  expect((await claimed).rows.map(({ name }) => name)).toEqual([null, "t.2"]);
}

/** As when an acknowledgement, a claim and a publish share a transaction. */
export async function aPublishAfterAClaimInItsTransactionIsDelivered(
  engine: Engine,
): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.first");
  const session = await engine.session();
  await session.query("begin");
  await session.query(claimOne);
  await engine.publish("t.second", session);
  await session.query("commit");
  expect(await engine.claim()).toEqual(["t.second"]);
}

const claimOne = "select * from opinionated_events.claim('q', 't', 1, null, 60000)";
