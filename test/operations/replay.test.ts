import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { type PostgresOperations, postgresOperations } from "../../src/operations/postgres.js";
import { fatal } from "../../src/receiver/failure.js";
import { deliveries, type Engine, engine, rows, until } from "../postgres/support.js";

let db: Engine;
let operations: PostgresOperations;
let seen: string[];
beforeEach(async () => {
  db = await engine();
  operations = postgresOperations({ pool: db.pool });
  seen = [];
});
afterEach(() => db.close());

const publish = (...names: string[]) =>
  db.publisher.publishMany(names.map((name) => createMessage(name, {}, { key: name.slice(-1) })));

async function start(handle = (name: string): void => void seen.push(name), startAt?: "earliest") {
  const receiver = db.receiver({}, () => {});
  if (startAt) receiver.queue("q", { startAt });
  await receiver.on("q", "user.*", ({ message }) => handle(message.name)).start();
  return receiver;
}

const untilSeen = (...names: string[]) => until(() => expect(seen.toSorted()).toEqual(names));
const state = () => rows(db.pool, "select lag from opinionated_events.queue_state");
const leases = () => rows(db.pool, "select from opinionated_events.lease");

describe("replay", () => {
  it("gives what the queue has handled again, and does not move it", async () => {
    await start();
    await publish("user.a", "user.b");
    await untilSeen("user.a", "user.b");
    await until(async () => expect(await leases()).toEqual([]));
    const result = await operations.replay({ queue: "q" });
    expect(result).toMatchObject({ done: 2, isComplete: true });
    await untilSeen("user.a", "user.a", "user.b", "user.b");
    expect(await state()).toEqual([{ lag: "0" }]);
  });

  it.each([
    [{ name: "user.b" }, ["user.b"]],
    [{ key: "c" }, ["user.c"]],
    [{ from: { position: 2n } }, ["user.b", "user.c"]],
    [{ to: { position: "2" } }, ["user.a"]],
    [{ from: { position: 2n }, to: { position: 3n } }, ["user.b"]],
    [{ from: new Date("2026-01-02T00:00:00Z") }, ["user.b", "user.c"]],
    [{ to: new Date("2026-01-02T00:00:00Z") }, ["user.a"]],
    [{ topic: "user", to: new Date("2020-01-01") }, []],
  ])("gives what %o selects", async (selection, names) => {
    const receiver = await start();
    await publish("user.a", "user.b", "user.c");
    await untilSeen("user.a", "user.b", "user.c");
    await receiver.stop();
    await rows(
      db.pool,
      "update opinionated_events.message set published_at = '2026-01-01T00:00:00Z'::timestamptz + (position - 1) * interval '1 day'",
    );
    const { done } = await operations.replay({ queue: "q", ...selection });
    expect([done, (await deliveries(db)).map(({ name }) => name)]).toEqual([names.length, names]);
  });

  it("revives what is dead, as if it had not been tried", async () => {
    let isMended = false;
    await start((name) => {
      if (!isMended) throw fatal(new Error("no"));
      seen.push(name);
    });
    await publish("user.a");
    await until(async () => expect(await deliveries(db)).toMatchObject([{ state: "dead" }]));
    isMended = true;
    expect(await operations.replay({ queue: "q" })).toMatchObject({ done: 1 });
    await untilSeen("user.a");
  });

  it("leaves alone what waits, what is to be read, and what is not wanted", async () => {
    const receiver = await start(() => {
      throw new Error("again");
    });
    await publish("user.a");
    await until(async () => expect(await deliveries(db)).toMatchObject([{ state: "retrying" }]));
    await receiver.stop({ deadlineMs: 0 });
    const before = await deliveries(db);
    await publish("user.b", "other.c");
    expect(await operations.replay({ queue: "q" })).toMatchObject({ done: 0 });
    expect(await deliveries(db)).toEqual(before);
  });

  it("leaves alone what runs", async () => {
    let finish = () => {};
    const running = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const receiver = db.receiver();
    receiver.on("q", "user.*", async ({ message }) => {
      seen.push(message.name);
      await running;
    });
    await receiver.start();
    await publish("user.a");
    await untilSeen("user.a");
    expect(await operations.replay({ queue: "q" })).toMatchObject({ done: 0 });
    finish();
  });

  it("gives what a transactional handler has committed in a batch that has not ended", async () => {
    let finish = () => {};
    const running = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const handle = async ({ message }: { message: { name: string } }) => {
      if (message.name === "user.b") await running;
      seen.push(message.name);
    };
    const receiver = db.receiver({ maxWorkers: 2 });
    await receiver.on("q", "user.*", handle, { transactional: true }).start();
    await publish("user.a", "user.b");
    await untilSeen("user.a");
    await until(async () =>
      expect(await rows(db.pool, "select from opinionated_events.inbox")).toHaveLength(1),
    );
    expect(await operations.replay({ queue: "q" })).toMatchObject({ done: 1 });
    await untilSeen("user.a", "user.a");
    finish();
    await untilSeen("user.a", "user.a", "user.b");
  });

  it("goes step by step, and what is published after its beginning is not part of it", async () => {
    const receiver = await start();
    await publish(...Array.from({ length: 1_200 }, () => "user.x"));
    await until(() => expect(seen).toHaveLength(1_200));
    await receiver.stop();
    const controller = new AbortController();
    const stopped = await operations.replay(
      { queue: "q" },
      { signal: controller.signal, onProgress: ({ done }) => done > 0 && controller.abort() },
    );
    expect(stopped).toMatchObject({ done: 500, isComplete: false });
    await rows(db.pool, "delete from opinionated_events.delivery");
    await publish("user.y");
    seen = [];
    const again = await start();
    await untilSeen("user.y");
    await again.stop();
    const result = await operations.replay({ queue: "q" }, { resume: stopped.resume });
    expect(result).toMatchObject({ done: 1_200, isComplete: true });
    expect(await deliveries(db)).toHaveLength(700);
  });

  it("refuses to resume what selects something else", async () => {
    await start();
    const { resume } = await operations.replay({ queue: "q" });
    await expect(operations.replay({ queue: "q", key: "k" }, { resume })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
  });

  it("stands in the line of its key in an ordered queue", async () => {
    const receiver = db.receiver().queue("q", { ordered: true });
    await receiver.on("q", "user.*", ({ message }) => void seen.push(message.id)).start();
    const ids = (await publish(...Array.from({ length: 20 }, () => "user.k"))).map(({ id }) => id);
    await until(() => expect(seen).toEqual(ids));
    await until(async () => expect(await leases()).toEqual([]));
    await operations.replay({ queue: "q" });
    await until(() => expect(seen).toEqual([...ids, ...ids]));
  });

  it.each([
    ["INVALID_NAME", { queue: "not a name" }, {}],
    ["INVALID_NAME", { queue: "q", name: "" }, {}],
    ["INVALID_KEY", { queue: "q", key: "" }, {}],
    ["INVALID_OPTIONS", { queue: "q", from: "now" }, {}],
    ["INVALID_TIME", { queue: "q", to: new Date(Number.NaN) }, {}],
    ["INVALID_OPTIONS", { queue: "q", names: [] }, {}],
    ["INVALID_OPTIONS", { queue: "q" }, { rate: 1 }],
    ["NOT_SUBSCRIBED", { queue: "q" }, {}],
  ])("refuses with %s: %o", async (code, request, options) => {
    await expect(operations.replay(request as never, options as never)).rejects.toMatchObject({
      code,
    });
  });
});
