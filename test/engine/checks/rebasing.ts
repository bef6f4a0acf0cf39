import { expect } from "vitest";
import { type Engine, started } from "../engine.js";
import { pretendRestored } from "../restored.js";

async function rebase(engine: Engine): Promise<void> {
  await engine.sql("select opinionated_events.rebase()");
}

async function claimAll(engine: Engine): Promise<string[]> {
  const names: string[] = [];
  // An old window and the first new one are claimed apart.
  for (let n = 0; n < 3; n += 1) names.push(...(await engine.claim(2)));
  return names;
}

export async function aRestoredLogGoesOn(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3"]) await engine.publish(name);
  expect(await engine.claim(1)).toEqual(["t.1"]);
  await pretendRestored(engine);
  await rebase(engine);
  await engine.publish("t.4");
  expect(await claimAll(engine)).toEqual(["t.2", "t.3", "t.4"]);
}

export async function aLogRestoredTwiceGoesOn(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  for (let n = 0; n < 2; n += 1) {
    await pretendRestored(engine);
    await rebase(engine);
    await claimAll(engine);
  }
  await engine.publish("t.2");
  expect(await claimAll(engine)).toEqual(["t.2"]);
}

export async function earliestIncludesARestoredLog(engine: Engine): Promise<void> {
  await engine.publish("t.old");
  await pretendRestored(engine);
  await rebase(engine);
  await engine.publish("t.new");
  await engine.subscribe("t.*", "t", "earliest");
  expect(await claimAll(engine)).toEqual(["t.old", "t.new"]);
}

/** What is published here before the rebase has ids below those of the old cluster. */
export async function whatPrecedesARebaseIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await pretendRestored(engine);
  await engine.publish("t.1");
  await rebase(engine);
  await engine.publish("t.2");
  expect(await claimAll(engine)).toEqual(["t.1", "t.2"]);
}

/** With nothing between two restores, the second one's windows begin where the first one's end. */
export async function whatPrecedesASecondRebaseIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.0");
  await rebase(engine);
  await pretendRestored(engine);
  await engine.publish("t.1");
  await rebase(engine);
  expect(await claimAll(engine)).toEqual(["t.0", "t.1"]);
}

/** The lock gives a rebase its xid early; while it waits, younger transactions begin, and one ends. */
export async function aRebaseThatWaitedDeliversOnce(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const [first, rebasing] = await Promise.all([engine.session(), engine.session()]);
  await first.query("begin");
  await engine.publish("t.1", first);
  const rebased = started(rebasing.query("select opinionated_events.rebase()"));
  await engine.untilBlocked(rebasing);
  const young = await engine.writer();
  await engine.sql("select pg_current_xact_id()");
  await first.query("commit");
  await rebased;
  // One claim: a second one that takes long remembers a window of its own, with a mark of its own.
  expect(await engine.claim(2)).toEqual(["t.1"]);
  await engine.publish("t.2", young);
  await young.query("commit");
  expect(await claimAll(engine)).toEqual(["t.2"]);
}

/** Else its window would end above messages that it did not see. */
export async function aClaimBeforeTheRebaseIsRefused(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await pretendRestored(engine);
  // So far that a claim remembers what it has walked, also if that is nothing.
  await engine.sql("select setval('opinionated_events.position', 20000)");
  await expect(engine.claim(1)).rejects.toMatchObject({ code: "CLUSTER_CHANGED" });
}
