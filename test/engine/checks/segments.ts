import { expect, vi } from "vitest";
import type { Engine } from "../engine.js";
import { scansOf } from "../explain.js";
import { pretendRestored } from "../restored.js";
import { goOn } from "../rotating.js";

const PATIENCE = { timeout: 10_000, interval: 20 };

/** In flight at the window before, and committed after its segment was closed. */
export async function aLateRowOfAClosedSegmentIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const writer = await engine.writer();
  await engine.publish("t.late", writer);
  await engine.publish("t.0");
  expect(await engine.claim()).toEqual(["t.0"]);
  await goOn(engine);
  await engine.publish("t.1");
  await writer.query("commit");
  expect(await engine.claim()).toEqual(["t.late", "t.1"]);
}

/** Begun after the window before, by who read the register before it went on. */
export async function aNewRowOfAClosedSegmentIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.0");
  expect(await engine.claim()).toEqual(["t.0"]);
  const writer = await engine.writer();
  await engine.publish("t.slow", writer);
  await goOn(engine);
  await writer.query("commit");
  expect(await engine.claim()).toEqual(["t.slow"]);
}

/** Xids of the cluster before are above the mark of a segment that this one has closed. */
export async function aRestoredSegmentThatWasClosedHereIsRead(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3"]) await engine.publish(name);
  await pretendRestored(engine);
  await goOn(engine);
  await engine.sql("select opinionated_events.rebase()");
  await engine.publish("t.4");
  expect(await engine.claim(2)).toEqual(["t.1", "t.2"]);
  expect(await engine.claim(2)).toEqual(["t.3"]);
  expect(await engine.claim(2)).toEqual(["t.4"]);
}

/** As soon as nobody has begun before the others were closed, in any database of the server. */
export async function onlyWhatMayHoldTheWindowIsRead(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.0");
  await engine.claim();
  await goOn(engine);
  const session = await engine.session();
  const claim = "select * from opinionated_events.claim('q', 't', 100, null, 60000)";
  await vi.waitFor(async () => {
    await engine.publish("t.1");
    const scans = await scansOf(session, /^message_/, claim);
    expect(new Set(scans.map(({ node }) => node["Relation Name"]))).toEqual(new Set(["message_1"]));
  }, PATIENCE);
}
