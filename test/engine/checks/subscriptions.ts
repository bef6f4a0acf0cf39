import { expect } from "vitest";
import { poll } from "../../../src/postgres/wake.js";
import { type Engine, QUEUE, started } from "../engine.js";

/** Between its beginning and its snapshot a claim may wait; a name that is subscribed meanwhile is wanted. */
export async function aNameSubscribedDuringAClaimIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.old");
  await engine.publish("t.old");
  const [holder, waiting] = await Promise.all([engine.session(), engine.session()]);
  const claim = "select name from opinionated_events.claim('q', 't', 10, null, 60000)";
  await holder.query("begin");
  await holder.query(claim);
  const claimed = started(waiting.query(claim));
  await engine.untilBlocked(waiting);
  await engine.subscribe("t.new");
  await engine.publish("t.new");
  await engine.publish("t.old");
  await holder.query("commit");
  const names = (await claimed).rows.map(({ name }) => name);
  expect([...names.slice(1), ...(await engine.claim())]).toEqual(["t.new", "t.old"]);
}

/** It was in flight when the queue subscribed, and commits afterwards. */
export async function nowIncludesWhatCommitsLater(engine: Engine): Promise<void> {
  const late = await engine.session();
  await engine.publish("t.before");
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.subscribe("t.*");
  await engine.publish("t.after");
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late", "t.after"]);
}

export async function earliestIncludesAll(engine: Engine): Promise<void> {
  const late = await engine.session();
  await late.query("begin");
  await engine.publish("t.late", late);
  await engine.publish("t.before");
  await engine.subscribe("t.*", "t", "earliest");
  await engine.publish("t.after");
  expect(await engine.claim()).toEqual(["t.before"]);
  await late.query("commit");
  expect(await engine.claim()).toEqual(["t.late", "t.after"]);
}

/** A queue of every topic has not met this one yet, when a handler of its own is added for it. */
export async function anUnmetTopicStartsWhereTheQueueStands(engine: Engine): Promise<void> {
  await engine.subscribe("*", "*");
  await engine.publish("t.1");
  await engine.subscribe("t.1", "t");
  expect(await engine.claim()).toEqual(["t.1"]);
}

export async function aNewTopicIsMet(engine: Engine): Promise<void> {
  await engine.publish("t.before");
  await engine.subscribe("*", "*");
  await engine.publish("u.after");
  await engine.publish("t.after");
  const { news } = await poll(engine.db, [{ queue: QUEUE, patterns: ["*"] }]);
  expect(news.map(({ topic }) => topic).sort()).toEqual(["t", "u"]);
  expect(await engine.claim(10, "t")).toEqual(["t.after"]);
  expect(await engine.claim(10, "u")).toEqual(["u.after"]);
}

/** A name without a dot is its own topic, and does not match the topic's pattern. */
export async function onlyMatchingNamesAreClaimed(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t");
  await engine.publish("t.x");
  expect(await engine.claim()).toEqual(["t.x"]);
}

export async function severalNamesAreClaimed(engine: Engine): Promise<void> {
  for (const name of ["t.a", "t.b", "t.c"]) await engine.subscribe(name);
  for (const name of ["t.a", "t.b", "t.c", "t.d"]) await engine.publish(name);
  expect(await engine.claim()).toEqual(["t.a", "t.b", "t.c"]);
}

export async function namesAndPatternsAreClaimedTogether(engine: Engine): Promise<void> {
  for (const pattern of ["t.a", "t.c.*"]) await engine.subscribe(pattern);
  for (const name of ["t.a", "t.c", "t.c.d", "t.c.e", "t.d"]) await engine.publish(name);
  expect(await engine.claim()).toEqual(["t.a", "t.c.d", "t.c.e"]);
}
