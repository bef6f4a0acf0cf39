import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import { newId } from "../../src/message/id.js";
import type { Fate } from "../../src/operations/inspect.js";
import { type PostgresOperations, postgresOperations } from "../../src/operations/postgres.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import type { Handler } from "../../src/receiver/handler.js";
import { type Engine, engine, rows, until } from "../postgres/support.js";

let db: Engine;
let operations: PostgresOperations;
beforeEach(async () => {
  db = await engine();
  operations = postgresOperations({ pool: db.pool });
});
afterEach(() => db.close());

async function publish(name: string, options: MessageOptions = {}): Promise<string> {
  const { id } = await db.publisher.publishOne(createMessage(name, {}, options));
  return id;
}

async function start(handler: Handler, options: { ordered?: boolean } = {}) {
  const receiver = db.receiver({}, () => {}).queue("q", options);
  await receiver.on("q", "user.*", handler).start();
  return receiver;
}

async function fateOf(id: string): Promise<Fate | undefined> {
  return (await operations.inspect(id))?.queues.find(({ queue }) => queue === "q");
}

const untilFate = (id: string, fate: Partial<Fate>) =>
  until(async () => expect(await fateOf(id)).toMatchObject(fate));

const HOUR = 3_600_000;

describe("inspect", () => {
  it("has the message, and every queue", async () => {
    await start(() => {});
    await rows(db.pool, "select opinionated_events.subscribe('other', 'job.*')");
    const id = await publish("user.a", { key: "k" });
    await untilFate(id, { queue: "q", state: "done" });
    const found = await operations.inspect(id.toUpperCase());
    expect(found?.message).toMatchObject({ id, name: "user.a", key: "k", payload: {} });
    expect(found?.position).toBe("1");
    expect(found?.queues).toEqual([
      { queue: "other", state: "unwanted" },
      { queue: "q", state: "done" },
    ]);
  });

  it("says that a queue has not come to it", async () => {
    await (await start(() => {})).stop();
    const id = await publish("user.a");
    expect(await fateOf(id)).toEqual({ queue: "q", state: "unread" });
  });

  it("says that a worker has it, since when, and which", async () => {
    let finish = () => {};
    await start(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    const id = await publish("user.a");
    await untilFate(id, { state: "running", attempts: 1 });
    const fate = await fateOf(id);
    expect(fate?.worker).toMatch(/^opinionated-events /);
    expect(fate?.since).toBeInstanceOf(Date);
    finish();
    await untilFate(id, { state: "done" });
  });

  it("says that it is tried again, when, and why", async () => {
    await start(() => {
      throw retryAfter(HOUR, new Error("boom"));
    });
    const id = await publish("user.a");
    await untilFate(id, {
      state: "retrying",
      attempts: 1,
      reason: expect.objectContaining({ message: expect.stringContaining("boom") }),
    });
    expect((await fateOf(id))?.dueAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it("says that it is dead, and why, also when the log has it no more", async () => {
    await start(() => {
      throw fatal(new Error("boom"));
    });
    const id = await publish("user.a");
    await untilFate(id, { state: "dead", attempts: 1 });
    await rows(db.pool, "select opinionated_events.subscribe('also', 'user.*')");
    await rows(db.pool, "delete from opinionated_events.message");
    const found = await operations.inspect(id);
    expect(found?.message.name).toBe("user.a");
    expect(found?.queues).toMatchObject([
      { queue: "also", state: "unknown" },
      { queue: "q", state: "dead", reason: { code: "FATAL" } },
    ]);
  });

  it("says that it waits for its time, for a handler, or behind its key", async () => {
    await start(
      () => {
        throw retryAfter(HOUR, new Error("later"));
      },
      { ordered: true },
    );
    const scheduled = await publish("user.s", { delayMs: HOUR });
    await untilFate(scheduled, { state: "scheduled" });
    const first = await publish("user.a", { key: "k" });
    await untilFate(first, { state: "retrying" });
    const second = await publish("user.b", { key: "k" });
    await untilFate(second, { state: "held" });
    await rows(db.pool, "select opinionated_events.subscribe('q', 'job.*')");
    const parked = await publish("job.a");
    await untilFate(parked, { state: "parked" });
  });

  it("says that it was passed over, until it is read", async () => {
    const old = await publish("user.old");
    const receiver = await start(() => {});
    expect(await fateOf(old)).toEqual({ queue: "q", state: "passed" });
    await receiver.stop();
    const jumped = await publish("user.jumped");
    await operations.seek("q", { to: "now" });
    expect(await fateOf(jumped)).toEqual({ queue: "q", state: "passed" });
    await operations.seek("q", { to: { position: 2n } });
    expect(await fateOf(jumped)).toEqual({ queue: "q", state: "unread" });
    expect(await fateOf(old)).toEqual({ queue: "q", state: "passed" });
    await start(() => {});
    await untilFate(jumped, { state: "done" });
  });

  it("tells late ones that were jumped over from those that were read", async () => {
    const receiver = await start(() => {});
    const late = await db.pool.connect();
    await late.query("begin");
    const message = createMessage("user.late", {});
    await late.query(
      "insert into opinionated_events.message (id, topic, name, payload) values ($1, 'user', 'user.late', '{}')",
      [message.id],
    );
    const read = await publish("user.read");
    await untilFate(read, { state: "done" });
    await receiver.stop();
    await late.query("commit");
    late.release();
    expect(await fateOf(message.id)).toEqual({ queue: "q", state: "unread" });
    await publish("user.unread");
    await operations.seek("q", { to: "now" });
    expect(await fateOf(message.id)).toEqual({ queue: "q", state: "passed" });
    expect(await fateOf(read)).toEqual({ queue: "q", state: "done" });
  });

  it("knows a topic that a queue of every topic has not met", async () => {
    await publish("user.old");
    await rows(db.pool, "select opinionated_events.subscribe('q', '*')");
    const old = (await rows(db.pool, "select id from opinionated_events.message"))[0].id;
    const young = await publish("user.young");
    expect(await fateOf(old)).toMatchObject({ state: "passed" });
    expect(await fateOf(young)).toMatchObject({ state: "unread" });
    await rows(db.pool, "select opinionated_events.meet('q')");
    expect(await fateOf(old)).toMatchObject({ state: "passed" });
    expect(await fateOf(young)).toMatchObject({ state: "unread" });
  });

  it("says that what an earlier cluster wrote was passed over, or read", async () => {
    await (await start(() => {})).stop();
    const id = newId();
    await rows(
      db.pool,
      "insert into opinionated_events.message (xid, id, topic, name, payload) values ('5000000000', $1, 'user', 'user.old', '{}')",
      [id],
    );
    await rows(db.pool, "select opinionated_events.rebase()");
    await rows(db.pool, "select opinionated_events.subscribe('z', 'user.*')");
    const states = async () => (await operations.inspect(id))?.queues.map(({ state }) => state);
    expect(await states()).toEqual(["unread", "passed"]);
    await start(() => {});
    await until(async () => expect(await states()).toEqual(["done", "passed"]));
  });

  it("does not know what nobody has, and refuses what is no id", async () => {
    expect(await operations.inspect(newId())).toBeUndefined();
    await expect(operations.inspect("1")).rejects.toMatchObject({ code: "INVALID_ID" });
  });
});
