import { expect } from "vitest";
import { createMessage } from "../../../src/message/create-message.js";
import { keepHouse } from "../../../src/postgres/housekeeping.js";
import { append } from "../../../src/postgres/log.js";
import { pins, retire, rotate } from "../../../src/postgres/retention.js";
import { DEFAULT_SCHEMA } from "../../../src/postgres/schema.js";
import { poll } from "../../../src/postgres/wake.js";
import type { SqlClient } from "../../../src/transaction/sql-client.js";
import { type Engine, QUEUE, started } from "../engine.js";
import { mutate } from "../mutations.js";
import { pretendRestored } from "../restored.js";
import { current, goOn } from "../rotating.js";

const FIRST = 0;
/** Version 7, but ahead of any clock; version 4, and greater. */
const FAR_ID = "10000000-0000-7000-8000-000000000000";
const RANDOM_ID = "ffffffff-0000-4000-8000-000000000000";

/** Keeps nothing for its time's sake. */
async function keepNothing(engine: Engine): Promise<void> {
  await engine.sql("update opinionated_events.retention set keep = '0'");
}

async function publishId(
  engine: Engine,
  id: string,
  client: SqlClient = engine.pool,
): Promise<boolean> {
  const stored = await append(client, DEFAULT_SCHEMA, [createMessage("t.x", {}, { id })]);
  return stored.has(id);
}

const why = async (engine: Engine) => (await pins(engine.db, FIRST)).map((pin) => pin.why);
const names = async (engine: Engine) =>
  (await engine.sql("select name from opinionated_events.message order by position")).flat();

export async function whatNobodyNeedsGoes(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.publish("t.old");
  await goOn(engine);
  await engine.publish("t.new");
  expect(await retire(engine.db, FIRST)).toBe(true);
  expect(await names(engine)).toEqual(["t.new"]);
}

export async function nothingGoesBeforeItsTime(engine: Engine): Promise<void> {
  await engine.publish("t.old");
  await goOn(engine);
  expect(await retire(engine.db, FIRST)).toBe(false);
  await engine.sql(
    "update opinionated_events.segment set closed_at = closed_at - interval '1 day'",
  );
  expect(await retire(engine.db, FIRST)).toBe(true);
}

export async function theCurrentSegmentStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.publish("t.x");
  expect(await retire(engine.db, FIRST)).toBe(false);
}

export async function whatIsUnreadOrLeasedStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.publish("t.2");
  await goOn(engine);
  expect(await why(engine)).toEqual(["unread"]);
  const first = await engine.lease(1, 60_000);
  await engine.finish(first);
  expect(await why(engine)).toEqual(["unread"]);
  const second = await engine.lease(10, 60_000);
  expect(await why(engine)).toEqual(["leased"]);
  expect(await retire(engine.db, FIRST)).toBe(false);
  await engine.finish(second);
  expect(await retire(engine.db, FIRST)).toBe(true);
}

/** In a window that is not finished, what was claimed of it is not needed any more. */
export async function aSlowQueueFreesWhatItHasRead(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await goOn(engine);
  await engine.publish("t.2");
  await engine.publish("t.3");
  await engine.finish(await engine.lease(1, 60_000));
  expect(await retire(engine.db, FIRST)).toBe(true);
  expect(await engine.claim()).toEqual(["t.2", "t.3"]);
}

/** It has its position, and a batch beyond that is claimed. */
export async function aTransactionInFlightKeepsItsSegment(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.early");
  await goOn(engine);
  await engine.finish(await engine.lease(10, 60_000));
  expect(await retire(engine.db, FIRST)).toBe(false);
  await late.query("commit");
  expect(await why(engine)).toEqual(["unread"]);
  expect(await retire(engine.db, FIRST)).toBe(false);
  expect(await engine.claim()).toEqual(["t.late"]);
}

/** Its batch has newer messages beside it, and begins above the segment. */
export async function whatCameLateAndIsLeasedStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.early");
  await goOn(engine);
  await engine.publish("t.new");
  await engine.finish(await engine.lease(10, 60_000));
  await late.query("commit");
  const lease = await engine.lease(10, 60_000);
  expect(await why(engine)).toEqual(["leased"]);
  expect(await retire(engine.db, FIRST)).toBe(false);
  await engine.finish(lease);
  expect(await retire(engine.db, FIRST)).toBe(true);
}

/** As there always is in a queue that is busy. */
export async function aLeaseOfLaterMessagesIsNotInTheWay(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.old");
  await engine.finish(await engine.lease(10, 60_000));
  await goOn(engine);
  await engine.publish("t.new");
  await engine.lease(10, 60_000);
  expect(await retire(engine.db, FIRST)).toBe(true);
}

/** An earlier message of the transaction makes it a writer no longer than the segment's mark, so that the table's lock decides. */
export async function whatCommitsBeforeTheTruncationStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.first");
  await engine.finish(await engine.lease(10, 60_000));
  await goOn(engine);
  await mutate(engine.pool, {
    guard: "the wait is short",
    changes: {
      retire: [{ from: "20ms", to: "10s" }],
      has_writers: [{ from: "select exists", to: "select false and exists" }],
    },
  });
  const writer = await engine.session();
  await writer.query("begin");
  await writer.query(`insert into opinionated_events.message (segment, id, topic, name, payload)
    values (${FIRST}, gen_random_uuid(), 't', 't.second', '{}')`);
  const retiring = await engine.session();
  const retired = started(
    retiring.query({ text: "select opinionated_events.retire(0)", rowMode: "array" }),
  );
  await engine.untilBlocked(retiring);
  await writer.query("commit");
  expect((await retired).rows).toEqual([[false]]);
  expect(await engine.claim()).toEqual(["t.second"]);
}

/** Who has read the register when the segment was current, and writes later, is known by its ids. */
export async function aSlowWriterKeepsItsSegment(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.sql(`create function slow(text) returns text language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(7); return $1; end $$`);
  const [gate, slow] = await Promise.all([engine.session(), engine.session()]);
  await engine.publish("t.first");
  await gate.query("select pg_advisory_lock(7)");
  const inserted = started(
    slow.query(`insert into opinionated_events.message (id, topic, name, payload)
      values ('${FAR_ID}', 't', slow('t.x'), '{}')`),
  );
  await engine.untilBlocked(slow);
  await goOn(engine);
  expect(await retire(engine.db, FIRST)).toBe(false);
  expect(await rotate(engine.db)).toMatchObject({ isSettled: false });
  await gate.query("select pg_advisory_unlock(7)");
  await inserted;
  expect(await rotate(engine.db)).toMatchObject({ isSettled: true });
  expect(await publishId(engine, FAR_ID)).toBe(false);
}

/** Cut short by a crash of the process that rotates. */
export async function aRotationThatWasCutShortIsFinished(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.publish("t.old");
  await engine.sql("select setval('opinionated_events.current_segment', 281474976710655 << 3 | 1)");
  await engine.publish("t.new");
  await rotate(engine.db);
  expect(await rotate(engine.db)).toMatchObject({ isSettled: true, due: [FIRST] });
  expect(await retire(engine.db, FIRST)).toBe(true);
  expect(await names(engine)).toEqual(["t.new"]);
}

export async function anIdIsKnownAcrossSegments(engine: Engine): Promise<void> {
  const { id } = createMessage("t.x", {});
  for (const one of [id, FAR_ID, RANDOM_ID]) expect(await publishId(engine, one)).toBe(true);
  for (let round = 0; round < 3; round += 1) {
    await engine.publish("t.more");
    await goOn(engine);
    for (const one of [id, FAR_ID, RANDOM_ID]) expect(await publishId(engine, one)).toBe(false);
    await rotate(engine.db);
    for (const one of [id, FAR_ID, RANDOM_ID]) expect(await publishId(engine, one)).toBe(false);
  }
  expect(await publishId(engine, createMessage("t.x", {}).id)).toBe(true);
}

export async function anIdOfAnotherVersionIsKnown(engine: Engine): Promise<void> {
  expect(await publishId(engine, RANDOM_ID)).toBe(true);
  await goOn(engine);
  await rotate(engine.db);
  expect(await publishId(engine, RANDOM_ID)).toBe(false);
}

/** The first of them is in flight when the segment is closed, and commits before the second is published. */
export async function anIdInFlightIsKnown(engine: Engine): Promise<void> {
  const writer = await engine.session();
  await writer.query("begin");
  expect(await publishId(engine, FAR_ID, writer)).toBe(true);
  await engine.publish("t.more");
  await goOn(engine);
  expect(await rotate(engine.db)).toMatchObject({ isSettled: false });
  await writer.query("commit");
  expect(await publishId(engine, FAR_ID)).toBe(false);
}

export async function aFullRingGrowsItsLastSegment(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  for (let n = 0; n < 7; n += 1) {
    await engine.publish(`t.${n}`);
    await goOn(engine);
  }
  await engine.publish("t.7");
  await engine.sql(
    "update opinionated_events.segment set opened_at = opened_at - interval '1 day' where closed_at is null",
  );
  await rotate(engine.db);
  expect(await current(engine)).toBe(7);
  await engine.publish("t.8");
  await engine.finish(await engine.lease(100, 60_000));
  await keepHouse(engine.db);
  expect(await names(engine)).toEqual(["t.7", "t.8"]);
  await rotate(engine.db);
  expect(await current(engine)).toBe(0);
}

export async function anIdleQueueIsMovedOn(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.wanted");
  await engine.publish("t.other");
  await goOn(engine);
  expect(await keepHouse(engine.db)).toMatchObject({ pins: [] });
  await keepHouse(engine.db);
  expect(await names(engine)).toEqual([]);
  await engine.publish("t.wanted");
  expect(await engine.claim()).toEqual(["t.wanted"]);
}

export async function aTopicThatWasNeverMetStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("*", "*");
  await engine.publish("t.x");
  await goOn(engine);
  expect(await why(engine)).toEqual(["unmet"]);
  expect((await keepHouse(engine.db)).pins).toHaveLength(1);
  expect(await why(engine)).toEqual(["unread"]);
  expect(await engine.claim()).toEqual(["t.x"]);
}

export async function whatAWorkerHasLeftIsTakenOver(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.x");
  await engine.lease(10, 0);
  await goOn(engine);
  await keepHouse(engine.db);
  await keepHouse(engine.db);
  expect(await names(engine)).toEqual([]);
  expect(await engine.deliveries()).toEqual(["t.x"]);
}

/** What was published before the restore is needed until the queue has crossed to this cluster, also what seems to be seen. */
export async function aRestoredSegmentStays(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await pretendRestored(engine);
  await engine.sql("select opinionated_events.rebase()");
  await engine.publish("t.new");
  await goOn(engine);
  expect(await why(engine)).toEqual(["unread"]);
  await engine.finish(await engine.lease(10, 60_000));
  expect(await retire(engine.db, FIRST)).toBe(true);
}

export async function aQueueBeyondItsLimitIsDropped(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.1", "t.2"]) await engine.publish(name);
  await engine.publish("other.3");
  await engine.finish(await engine.lease(1, 60_000));
  await goOn(engine);
  await engine.publish("t.4");
  expect((await keepHouse(engine.db)).pins).toHaveLength(1);
  await engine.sql("update opinionated_events.queue set max_age = '0'");
  expect((await keepHouse(engine.db)).pins).toEqual([]);
  await keepHouse(engine.db);
  expect(await names(engine)).toEqual(["t.4"]);
  const dropped =
    "select queue, topic, name, messages from opinionated_events.dropped order by name";
  expect(await engine.sql(dropped)).toEqual([
    ["q", "t", "t.1", "1"],
    ["q", "t", "t.2", "1"],
  ]);
  expect(await engine.claim()).toEqual(["t.4"]);
}

/** What was in flight when a queue gave up, and commits later, is above what it has given up, or gone with that. */
export async function aQueueThatGaveUpGoesOn(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.sql("update opinionated_events.queue set max_age = '0'");
  await goOn(engine);
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await keepHouse(engine.db);
  await engine.publish("t.new");
  expect(await engine.claim()).toEqual(["t.new"]);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late"]);
}

/** As long as its segment stays, what a queue has given up can be found, and read again; it is no news. */
/** The queue gives up t.1, which it has not read. */
async function giveUp(engine: Engine): Promise<void> {
  await keepNothing(engine);
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.sql("update opinionated_events.queue set max_age = '0'");
  await goOn(engine);
  await rotate(engine.db);
  await engine.sql("select opinionated_events.drop_unread('q', 't', $1)", [FIRST]);
}

const SEEK = "select moved_from > moved_to from opinionated_events.seek('q', '-infinity')";

export async function aQueueThatGaveUpStandsBehindThat(engine: Engine): Promise<void> {
  await giveUp(engine);
  expect(await engine.sql(SEEK)).toEqual([[true]]);
}

export async function whatWasGivenUpIsPassed(engine: Engine): Promise<void> {
  await giveUp(engine);
  const state =
    "select i.state from opinionated_events.message m, opinionated_events.inspect(m.id) i";
  expect(await engine.sql(state)).toEqual([["passed"]]);
  expect((await poll(engine.db, [{ queue: QUEUE, patterns: ["t.*"] }])).news).toEqual([]);
  expect(await engine.claim()).toEqual([]);
  expect(await engine.sql(SEEK)).toEqual([[true]]);
  expect(await engine.claim()).toEqual(["t.1"]);
  expect(await engine.sql(state)).toEqual([["running"]]);
}

/** Publishing locks neither an old segment nor waits for one that is locked. */
export async function aPublishPassesATruncation(engine: Engine): Promise<void> {
  await engine.publish("t.old");
  await goOn(engine);
  await rotate(engine.db);
  const truncating = await engine.session();
  await truncating.query("begin; truncate opinionated_events.message_0");
  const publisher = await engine.session();
  await publisher.query("set lock_timeout = '1ms'");
  await engine.publish("t.new", publisher);
  await truncating.query("rollback");
}
