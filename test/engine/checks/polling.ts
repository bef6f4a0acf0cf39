import { expect } from "vitest";
import { poll } from "../../../src/postgres/wake.js";
import { type Engine, QUEUE } from "../engine.js";

const news = async ({ db }: Engine) => (await poll(db, [{ queue: QUEUE, patterns: ["t.*"] }])).news;
const NEWS = [{ queue: QUEUE, topic: "t" }];

/** It was given its xid after the window's snapshot, and drew before the head was read: neither in flight there, nor above the head. */
export async function whoCameBetweenSnapshotAndMarkIsFound(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.claim();
  const writer = await engine.writer();
  await engine.publish("t.2", writer);
  await engine.sql(`update opinionated_events.batch b
    set cur = format('%1$s:%1$s:', pg_snapshot_xmax(b.cur))::pg_snapshot, -- without those of other databases of the server
      mark = pg_current_xact_id(), head = opinionated_events.head()
    where b.seq = (select max(x.seq) from opinionated_events.batch x)`);
  expect(await news(engine)).toEqual([]);
  await writer.query("commit");
  expect(await news(engine)).toEqual(NEWS);
  expect(await engine.claim()).toEqual(["t.2"]);
}

/** A crash may have forgotten that the segment was opened, and the register not. */
export async function whatIsWrittenAheadOfTheTableIsFound(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.sql("select setval('opinionated_events.current_segment', 3)");
  await engine.publish("t.1");
  expect(await news(engine)).toEqual(NEWS);
  expect(await engine.claim()).toEqual(["t.1"]);
}
