import { expect, vi } from "vitest";
import type { PgPool } from "../../../src/postgres/database.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { postgresSource } from "../../../src/source/postgres/source.js";
import { intervalTrigger, notifyTrigger } from "../../../src/source/postgres/trigger.js";
import type { SqlClient } from "../../../src/transaction/sql-client.js";
import { watchedPool } from "../../support/watched-pool.js";
import { type Engine, QUEUE } from "../engine.js";

/** Longer than any test: what only the interval would find is never found. */
const INTERVAL_MS = 600_000;
const PATIENCE = { timeout: 4_000, interval: 5 };
/** Transactions of other databases may be in flight, too. */
const UNTIL_IDLE = { timeout: 20_000, interval: 5 };
const PUBLISHERS = 4;
const TRANSACTIONS = 40;

/** A receiver that runs, what it has handled, and the statements that it has finished. */
interface Running {
  readonly handled: string[];
  readonly statements: string[];
}

/** After a failover to a standby that had not received them. */
export async function idsThatAreNotDrawnYetAreInFlight(engine: Engine): Promise<void> {
  const ahead = "select opinionated_events.is_in_flight('5000000000:5000000000:', '5000000010')";
  expect(await engine.sql(ahead)).toEqual([[true]]);
}

async function receiving(engine: Engine, test: (running: Running) => Promise<void>): Promise<void> {
  const handled: string[] = [];
  const statements: string[] = [];
  const source = postgresSource({
    pool: recording(engine, statements),
    triggers: [notifyTrigger({ connectionString: engine.url }), intervalTrigger(INTERVAL_MS)],
  });
  const receiver = new Receiver({ source });
  receiver.on(QUEUE, "t.*", async ({ message }) => {
    handled.push(message.name);
  });
  await receiver.start();
  try {
    await test({ handled, statements });
  } finally {
    await receiver.stop();
  }
}

function recording({ pool }: Engine, statements: string[]): PgPool {
  return watchedPool(pool, async (text, run) => {
    const result = await run();
    statements.push(`${/opinionated_events\.(\w+)/.exec(text)?.[1]} ${result.rows[0]}`);
    return result;
  });
}

/** Resolves when the receiver has looked for transactions in flight (has found none), and polled after that. */
async function untilPolled({ statements }: Running, look: "is_in_flight" | "is_in_flight f") {
  await vi.waitFor(() => {
    const looked = statements.findIndex((statement) => statement.startsWith(look));
    expect(looked).toBeGreaterThan(-1);
    const polled = statements.findLastIndex((statement) => statement.startsWith("poll"));
    expect(polled).toBeGreaterThan(looked);
  }, UNTIL_IDLE);
}

function untilIdle(running: Running): Promise<void> {
  return untilPolled(running, "is_in_flight f");
}

async function untilHandled({ handled }: Running, names: readonly string[]): Promise<void> {
  await vi.waitFor(() => expect([...handled].sort()).toEqual([...names].sort()), PATIENCE);
}

/** It inserted before the receiver said that it is idle, so it does not notify. */
export async function aPublishInFlightIsNoticed(engine: Engine): Promise<void> {
  const publisher = await engine.session();
  await publisher.query("begin");
  await engine.publish("t.1", publisher);
  await receiving(engine, async (running) => {
    await untilPolled(running, "is_in_flight");
    expect(running.handled).toEqual([]);
    await publisher.query("commit");
    await untilHandled(running, ["t.1"]);
  });
}

export async function aMoveNotifiesAnIdleReceiver(engine: Engine): Promise<void> {
  await readOne(engine);
  await receiving(engine, async (running) => {
    await untilIdle(running);
    await engine.sql("select opinionated_events.seek('q', '-infinity')");
    await untilHandled(running, ["t.1"]);
  });
}

export async function aReplayNotifiesAnIdleReceiver(engine: Engine): Promise<void> {
  await readOne(engine);
  await receiving(engine, async (running) => {
    await untilIdle(running);
    await engine.sql("select opinionated_events.replay('q', 't', 0, 9, null, null, null, null, 9)");
    await untilHandled(running, ["t.1"]);
  });
}

async function readOne(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.finish(await engine.lease(2, 60_000)); // and the window with it
}

export async function aPublishNotifiesAnIdleReceiver(engine: Engine): Promise<void> {
  await receiving(engine, async (running) => {
    await untilIdle(running);
    await engine.publish("t.1");
    await untilHandled(running, ["t.1"]);
  });
}

/** Its snapshot is older than the receiver's word that it is idle. */
export async function aPublishInAnOldSnapshotNotifies(engine: Engine): Promise<void> {
  const publisher = await engine.session();
  await publisher.query("begin isolation level repeatable read");
  await publisher.query("select 1");
  await receiving(engine, async (running) => {
    await untilIdle(running);
    await engine.publish("t.1", publisher);
    await publisher.query("commit");
    await untilHandled(running, ["t.1"]);
  });
}

/** Each waits until the message before was handled, so that none is found only because of the next one. */
export async function noPublishIsStuck(engine: Engine): Promise<void> {
  await receiving(engine, async (running) => {
    const publishers = Array.from({ length: PUBLISHERS }, async (_, publisher) => {
      const session = await engine.session();
      for (let n = 0; n < TRANSACTIONS; n += 1) {
        const name = `t.${publisher}-${n}`;
        const isolation = n % 2 === 0 ? "read committed" : "repeatable read";
        await session.query(`begin isolation level ${isolation}`);
        if (n % 3 === 0) await session.query("select pg_current_xact_id()");
        await session.query("select pg_sleep(random() * 0.01)");
        await engine.publish(name, session);
        await session.query("select pg_sleep(random() * 0.01)");
        await session.query("commit");
        await vi.waitFor(() => expect(running.handled).toContain(name), PATIENCE);
      }
    });
    await Promise.all(publishers);
  });
}

/** The topics with news, and what the next poll is to be given. */
async function poll(engine: Engine, settled: unknown, client: SqlClient = engine.pool) {
  const { rows } = await client.query("select * from opinionated_events.poll($1, $2)", [
    JSON.stringify([{ queue: QUEUE, patterns: ["*"] }]),
    settled,
  ]);
  const news = rows.filter(({ topic }) => topic !== null).map(({ topic }) => topic);
  return { news, settled: rows.at(-1)?.settled_at ?? undefined };
}

export async function aPublishUnderWayIsNotSettled(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const { settled } = await poll(engine, -1);
  expect(settled).toBeDefined();
  expect(await poll(engine, settled)).toEqual({ news: [], settled });
  const publisher = await engine.session();
  await publisher.query("begin");
  await engine.publish("t.1", publisher);
  const meanwhile = await poll(engine, settled);
  expect(meanwhile).toEqual({ news: [], settled: undefined });
  await publisher.query("commit");
  expect(await poll(engine, -1)).toEqual({ news: ["t"], settled: undefined });
  expect(await engine.claim()).toEqual(["t.1"]);
  expect((await poll(engine, -1)).settled).not.toEqual(settled);
}

export async function aSubscriptionUnderWayIsNotSettled(engine: Engine): Promise<void> {
  await engine.subscribe("u.*", "u");
  await engine.publish("t.1");
  const before = await poll(engine, -1);
  expect(before.settled).toBeDefined();
  const other = await engine.session();
  await other.query("begin");
  await other.query("select opinionated_events.subscribe('q', 't.*', '-infinity', 't')");
  const meanwhile = await poll(engine, before.settled);
  await other.query("commit");
  const { news } = await poll(engine, meanwhile.settled ?? before.settled);
  expect(news).toEqual(["t"]);
}

/** It is there from where the queue stands, which is not beyond what it did not want. */
export async function aNameThatIsAddedHasNews(engine: Engine): Promise<void> {
  await engine.subscribe("t.1");
  await engine.publish("t.2");
  const { settled } = await poll(engine, -1);
  expect(settled).toBeDefined();
  await engine.subscribe("t.2");
  expect((await poll(engine, settled)).news).toEqual(["t"]);
}

export async function aQueueThatWasMovedBackHasNews(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  expect(await engine.claim()).toEqual(["t.1"]);
  const { settled } = await poll(engine, -1);
  expect(settled).toBeDefined();
  await engine.sql("select from opinionated_events.seek('q', '-infinity')");
  expect((await poll(engine, settled)).news).toEqual(["t"]);
}

export async function anOldSnapshotSettlesNothing(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const old = await engine.session();
  await old.query("begin isolation level repeatable read");
  await old.query("select 1");
  await engine.publish("t.1");
  expect(await poll(engine, -1, old)).toEqual({ news: [], settled: undefined });
}
