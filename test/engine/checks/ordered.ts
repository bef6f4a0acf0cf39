import { expect } from "vitest";
import { declareQueue } from "../../../src/postgres/queue.js";
import { type Engine, LEASE_MS, QUEUE } from "../engine.js";
import { allAs, HELD, publish, retryAfter, twoWorkers } from "../ordered-queue.js";

const HOUR = 3_600_000;

export async function aKeyUnderAnotherWorkersLeaseIsHeld(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1");
  const first = (await a.claim()) ?? expect.fail();
  await publish(engine, "k2 j1");
  expect(await b.names()).toEqual(["j1"]);
  expect(await engine.deliveries()).toEqual(["t.k2"]);
  expect(await b.deliveries()).toEqual([]);
  expect(await a.settle([first])).toEqual({ isOurs: true, isDue: true });
  expect(await b.deliveries()).toEqual(["k2"]);
}

export async function aWorkerIsGivenMoreOfItsOwnKeys(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1 k2 k3");
  expect(await a.names(1)).toEqual(["k1"]);
  expect(await a.names(2)).toEqual(["k2", "k3"]);
}

export async function aSweepReleasesNoLeasedKey(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1");
  await a.claim();
  await publish(engine, "k2");
  await b.claim();
  expect(await engine.sweep()).toBe(0);
}

export async function aKeyInDeliveriesIsHeld(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1");
  const first = (await a.claim()) ?? expect.fail();
  await a.settle([first], allAs(first, retryAfter(HOUR)));
  await publish(engine, "k2 j1");
  expect(await a.names()).toEqual(["j1"]);
  expect(await a.deliveries()).toEqual([]);
  await engine.sql(
    "update opinionated_events.delivery set due_at = now() where state = 'retrying'",
  );
  expect(await a.deliveries()).toEqual(["k1", "k2"]);
}

export async function aRetryWaitsForTheLeaseOfItsKey(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const first = (await a.claim(1)) ?? expect.fail();
  const second = (await a.claim(1)) ?? expect.fail();
  await a.settle([first], allAs(first, retryAfter(0)));
  expect(await b.deliveries()).toEqual([]);
  expect(await a.settle([second], allAs(second, HELD))).toEqual({ isOurs: true, isDue: true });
  expect(await b.deliveries()).toEqual(["k1", "k2"]);
}

export async function onlyTheFirstOfALineIsClaimed(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = (await a.claim()) ?? expect.fail();
  const [k1, k2] = batch.messages.map(({ position }) => position) as [string, string];
  await a.settle(
    [batch],
    new Map([
      [k1, retryAfter(HOUR)],
      [k2, retryAfter(0)],
    ]),
  );
  expect(await a.deliveries()).toEqual([]);
  await engine.sql("update opinionated_events.delivery set due_at = now() where position = $1", [
    k1,
  ]);
  expect(await a.deliveries()).toEqual(["k1", "k2"]);
}

/** Its transaction drew first and committed last, with no lock on the key: all that is promised is one at a time. */
export async function aLateMessageWaitsForTheOneThatRuns(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  const late = await engine.session();
  await late.query("begin");
  await publish(engine, "k0", late);
  await publish(engine, "k2");
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, retryAfter(0)));
  const running = await a.claimDeliveries();
  await late.query("commit");
  await b.claim();
  expect(await engine.sweep()).toBe(0);
  await engine.sql("update opinionated_events.delivery set due_at = now() where state = 'held'");
  expect(await b.deliveries()).toEqual([]);
  expect(await a.settleDeliveries(running)).toEqual({ isOurs: true, isDue: true });
  expect(await b.deliveries()).toEqual(["k0"]);
}

export async function aScheduledMessageHoldsNobody(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1", engine.pool, { delayMs: HOUR });
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, { state: "scheduled", attempt: 0 }));
  await publish(engine, "k2");
  expect(await a.names()).toEqual(["k2"]);
}

export async function aBatchThatWasLostTakesTheOthersWithIt(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const first = (await a.claim(1, 0)) ?? expect.fail();
  const second = (await a.claim(1)) ?? expect.fail();
  await engine.sweep();
  expect(await a.settle([first, second])).toEqual({ isOurs: false, isDue: false });
  expect(await engine.sql("select seq from opinionated_events.lease")).toEqual([[second.key.seq]]);
}

export async function aDeliveryThatWasLostTakesTheOthersWithIt(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = (await a.claim()) ?? expect.fail();
  const [k1, k2] = batch.messages.map(({ position }) => position) as [string, string];
  await a.settle(
    [batch],
    new Map([
      [k1, retryAfter(0)],
      [k2, HELD],
    ]),
  );
  const running = await a.claimDeliveries();
  expect(running).toHaveLength(2);
  await engine.sql("update opinionated_events.delivery set token = 1 where name = 't.k1'");
  expect(await a.settleDeliveries(running)).toEqual({ isOurs: false, isDue: false });
  expect(await engine.deliveries()).toEqual(["t.k1", "t.k2"]);
}

export async function whatWentBehindIsNotTakenOver(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1");
  const first = (await a.claim()) ?? expect.fail();
  await publish(engine, "k2 j1");
  expect((await b.claim(100, 0))?.behind).toBe(1);
  await a.settle([first]);
  await a.settleDeliveries(await a.claimDeliveries());
  expect(await engine.deliveries()).toEqual([]);
  await engine.sweep();
  expect(await engine.deliveries()).toEqual(["t.j1"]);
}

export async function whatIsTakenOverStandsInLine(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2 j1");
  await a.claim(100, 0);
  expect(await engine.sweep()).toBe(3 + 2);
  const states = "select state from opinionated_events.delivery order by position";
  expect((await engine.sql(states)).flat()).toEqual(["waiting", "held", "waiting"]);
  expect(await b.deliveries()).toEqual(["k1", "k2", "j1"]);
}

export async function aFinishedKeyIsFree(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 j1");
  const batch = (await a.claim()) ?? expect.fail();
  const [k1] = batch.messages.map(({ position }) => position) as [string];
  await a.settle([batch], new Map(), [k1]);
  await publish(engine, "k2 j2");
  expect(await b.names()).toEqual(["k2"]);
}

export async function nothingIsLeasedIfAllGoesBehind(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1");
  await a.claim();
  await publish(engine, "k2 k3");
  expect(await b.claim()).toMatchObject({ messages: [], behind: 2 });
  expect(await engine.sql("select worker from opinionated_events.lease")).toEqual([["a"]]);
}

export async function aQueueIsOrderedOrNot(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  const declared = declareQueue(engine.db, QUEUE, { ordered: false });
  await expect(declared).rejects.toMatchObject({ code: "QUEUE_CONFLICT" });
  await publish(engine, "k1");
  const batch = (await a.claim(100, LEASE_MS)) ?? expect.fail();
  const change = "select opinionated_events.set_ordered('q', false)";
  await expect(engine.sql(change)).rejects.toThrow("queue q has open leases");
  await a.settle([batch], allAs(batch, HELD));
  await engine.sql("update opinionated_events.delivery set state = 'held', due_at = 'infinity'");
  await engine.sql(change);
  await declareQueue(engine.db, QUEUE, { ordered: false });
  expect(await engine.sql("select state from opinionated_events.delivery")).toEqual([["waiting"]]);
}

/** The transaction of k1's handler has committed, and its worker was lost. */
export async function aLineGoesOnBehindWhatHasCommitted(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, HELD));
  const [k1] = await a.claimDeliveries(1, 0);
  const { position } = (k1 ?? expect.fail()).key;
  await engine.sql("insert into opinionated_events.inbox (queue, position) values ('q', $1)", [
    position,
  ]);
  expect(await b.deliveries()).toEqual(["k2"]);
  expect(await engine.sql("select * from opinionated_events.inbox")).toEqual([]);
}

/** Its worker was lost with k1 and k2: k3 is held behind k2, not behind k1. */
export async function aRunPassesNothing(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2 k3");
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, HELD));
  expect(await a.claimDeliveries(2, 0)).toHaveLength(2);
  const first = await b.claimDeliveries();
  expect(first.map(({ message }) => message.name)).toEqual(["t.k1"]);
  await b.settleDeliveries(first);
  expect(await b.deliveries()).toEqual(["k2", "k3"]);
}

/** It was claimed behind one that failed. */
export async function whatGoesBackUnstartedHasUsedUpNoAttempt(engine: Engine): Promise<void> {
  const [a] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, HELD));
  for (let n = 1; n <= 3; n += 1) {
    const [first, behind] = await a.claimDeliveries();
    if (!first || !behind) return expect.fail();
    expect([first.attempt, behind.attempt]).toEqual([n, 1]);
    await a.settleDeliveries([behind], HELD);
    await a.settleDeliveries([first], retryAfter(0));
  }
}
