import { expect } from "vitest";
import type { Leftover } from "../../../src/postgres/batch.js";
import { claimDeliveries, settleDeliveries } from "../../../src/postgres/delivery.js";
import { declareQueue } from "../../../src/postgres/queue.js";
import { type Engine, LEASE_MS, QUEUE, started } from "../engine.js";

const DEAD: Leftover = { state: "dead", attempt: 1, reason: { code: "X", message: "x" }, ranMs: 1 };

/** Messages of the queue that have died in a delivery. */
async function die(engine: Engine, ...names: string[]): Promise<void> {
  await engine.subscribe("t.*");
  for (const name of names) await engine.publish(name);
  await engine.lease(100, 0);
  await engine.sweep();
  await dieAgain(engine);
}

/** Whatever is due dies. */
async function dieAgain(engine: Engine): Promise<void> {
  const request = { limit: 100, suspects: 100, patterns: ["*"] };
  const claimant = { session: null, leaseMs: LEASE_MS };
  const claimed = await claimDeliveries(engine.db, QUEUE, request, claimant);
  const outcomes = claimed.map(({ key }) => ({ key, result: DEAD }));
  expect(await settleDeliveries(engine.db, outcomes, LEASE_MS)).toEqual([]);
}

const redrive = (n: number, bound = "opinionated_events.last_death()") =>
  `select done, go_on from opinionated_events.redrive_dead('{"queue": "q"}', 0, ${bound}, ${n})`;

export async function aLetterThatDiesAgainIsNotGivenBackAgain(engine: Engine): Promise<void> {
  await die(engine, "t.1", "t.2", "t.3");
  const [last] = await engine.sql("select opinionated_events.last_death()");
  const step = redrive(2, String(last));
  expect(await engine.sql(step)).toEqual([[2, "2"]]);
  await dieAgain(engine);
  // The first step again: its answer was lost.
  expect(await engine.sql(step)).toEqual([[1, null]]);
  await dieAgain(engine);
  expect(await engine.sql(step)).toEqual([[0, null]]);
}

export async function twoRedrivesGiveALetterBackOnce(engine: Engine): Promise<void> {
  await die(engine, "t.1");
  const [first, second] = await Promise.all([engine.session(), engine.session()]);
  await first.query("begin");
  expect((await first.query(redrive(10))).rows).toMatchObject([{ done: 1 }]);
  const waiting = started(second.query(redrive(10)));
  await engine.untilBlocked(second);
  await first.query("commit");
  expect((await waiting).rows).toMatchObject([{ done: 0 }]);
}

/** Who moves the lines of an ordered queue takes turns with the others that do. */
export async function aRedriveOfAnOrderedQueueTakesItsTurn(engine: Engine): Promise<void> {
  await declareQueue(engine.db, QUEUE, { ordered: true });
  await die(engine, "t.1");
  const [other, session] = await Promise.all([engine.session(), engine.session()]);
  await other.query("begin");
  await other.query("select opinionated_events.lock_ordered('q')");
  const waiting = started(session.query(redrive(10)));
  await engine.untilBlocked(session);
  await other.query("commit");
  expect((await waiting).rows).toMatchObject([{ done: 1 }]);
}

export async function theDeathOfADeadLetterIsNotPublished(engine: Engine): Promise<void> {
  await engine.subscribe("dead_letter.*", "dead_letter");
  await die(engine, "t.1");
  const published =
    "select count(*)::int from opinionated_events.message where topic = 'dead_letter'";
  expect(await engine.sql(published)).toEqual([[1]]);
  await engine.claimBatch(10, 0, "dead_letter");
  await engine.sweep();
  await dieAgain(engine);
  expect(await engine.deliveries()).toEqual(["t.1", "dead_letter.q"]);
  expect(await engine.sql(published)).toEqual([[1]]);
}

export async function aQueueOfEveryTopicMeetsNoDeadLetters(engine: Engine): Promise<void> {
  await engine.subscribe("*", "*");
  await engine.sql("select opinionated_events.subscribe('ops', 'dead_letter.*')");
  await die(engine, "t.1");
  await engine.sql("select opinionated_events.discover('{q}')");
  const topics =
    "select topic from opinionated_events.queue_topic where queue = 'q' order by topic";
  expect(await engine.sql(topics)).toEqual([["*"], ["t"]]);
}
