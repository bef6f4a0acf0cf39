import { expect } from "vitest";
import { replayStep } from "../../../src/postgres/replay.js";
import { seek } from "../../../src/postgres/seek.js";
import { type Engine, QUEUE } from "../engine.js";
import { allAs, HELD, publish, retryAfter, twoWorkers } from "../ordered-queue.js";

const moveTo = (engine: Engine, position: string) => seek(engine.db, QUEUE, { position }, "t");

/** The worker's handler may still run, since it has not heard of the move; others wait for their turn. */
export async function aKeyStaysTakenAfterAMove(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2 j3");
  const first = (await a.claim(2)) ?? expect.fail();
  await moveTo(engine, "1");
  expect(await a.names()).toEqual(["j3"]);
  expect(await engine.deliveries()).toEqual(["t.k1", "t.k2"]);
  expect(await engine.sweep()).toBe(0);
  expect(await a.settle([first])).toEqual({ isOurs: false, isDue: false });
  await endLeasesOf(engine, "");
  await engine.sweep();
  expect(await b.deliveries()).toEqual(["k1", "k2"]);
}

/** What is below stays in its line, before what is read again. */
export async function whatIsBelowAMoveComesFirst(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2 k3");
  await a.claim();
  await moveTo(engine, "2");
  expect(await b.names()).toEqual([]);
  await endLeasesOf(engine, "");
  await engine.sweep();
  expect(await b.deliveries()).toEqual(["k1", "k2", "k3"]);
}

/** Its row may still be claimed, while a claim brings the message again. */
export async function aRunningDeliveryIsReadAgainInItsTurn(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = (await a.claim()) ?? expect.fail();
  await a.settle([batch], allAs(batch, retryAfter(0)));
  const running = await a.claimDeliveries();
  expect(running).toHaveLength(1);
  await moveTo(engine, "1");
  expect(await b.names()).toEqual([]);
  expect(await b.deliveries()).toEqual([]);
  expect(await a.settleDeliveries(running)).toEqual({ isOurs: false, isDue: false });
  await engine.sql(
    "update opinionated_events.delivery set due_at = clock_timestamp() where token is not null",
  );
  expect(await b.deliveries()).toEqual(["k1", "k2"]);
}

/** Without a key nothing holds it, so another worker has finished it when its lease ends. */
export async function whatIsReadAgainIsNotTakenOver(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1");
  await engine.publish("t.free");
  await a.claim();
  await moveTo(engine, "2");
  const again = (await b.claim()) ?? expect.fail();
  expect(again.messages.map(({ message }) => message.name)).toEqual(["t.free"]);
  await b.settle([again]);
  await endLeasesOf(engine, "");
  await engine.sweep();
  expect(await engine.deliveries()).toEqual(["t.k1"]);
}

export async function aReplayedMessageStandsInLine(engine: Engine): Promise<void> {
  const [a, b] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const done = (await a.claim()) ?? expect.fail();
  await a.settle([done]);
  await publish(engine, "k3 k4");
  const running = (await a.claim(1)) ?? expect.fail();
  const everything = { queue: QUEUE, name: null, key: null, fromTime: null, toTime: null };
  const stretch = { topic: "t", low: "0", high: "100" };
  expect(await replayStep(engine.db, everything, stretch, 10)).toMatchObject({ given: 2 });
  expect(await b.deliveries()).toEqual([]);
  expect(await b.names()).toEqual([]);
  await a.settle([running], allAs(running, HELD));
  expect(await b.deliveries()).toEqual(["k1", "k2", "k3", "k4"]);
}

async function endLeasesOf(engine: Engine, worker: string): Promise<void> {
  const ended = await engine.sql(
    "update opinionated_events.lease set expires_at = clock_timestamp() where worker = $1 returning seq",
    [worker],
  );
  expect(ended).not.toEqual([]);
}
