import { expect } from "vitest";
import { type Engine, LEASE_MS } from "../engine.js";

const claim = `select * from opinionated_events.claim('q', 't', 10, null, ${LEASE_MS})`;
const refused = { code: "25000" };

/** Its mark would be older than its head. */
export async function aClaimAfterAWriteIsRefused(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const claimer = await engine.writer();
  await engine.publish("t.first");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await expect(claimer.query(claim)).rejects.toMatchObject(refused);
  await claimer.query("rollback");
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.first", "t.late"]);
}

export async function aSecondClaimInATransactionIsRefused(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.first");
  const claimer = await engine.session();
  await claimer.query("begin");
  await claimer.query(claim);
  await expect(claimer.query(claim)).rejects.toMatchObject(refused);
  await claimer.query("rollback");
  expect(await engine.claim()).toEqual(["t.first"]);
}

/** A cursor row that was trimmed meanwhile would look like the newest: its batch would come twice. */
export async function aClaimInAnOldSnapshotIsRefused(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3", "t.4"]) await engine.publish(name);
  const claimer = await engine.session();
  await claimer.query("begin isolation level repeatable read");
  await claimer.query("select 1");
  for (let n = 0; n < 3; n += 1)
    expect(await engine.finish(await engine.lease(1, LEASE_MS))).toBe(true);
  await engine.sweep();
  await expect(claimer.query(claim)).rejects.toMatchObject(refused);
  await claimer.query("rollback");
  expect(await engine.claim()).toEqual(["t.4"]);
}

export async function aSubscriptionAfterAWriteIsRefused(engine: Engine): Promise<void> {
  const session = await engine.writer();
  const subscribe = session.query("select opinionated_events.subscribe('q', 't.*')");
  await expect(subscribe).rejects.toMatchObject(refused);
}
