import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { type PostgresOperations, postgresOperations } from "../../src/operations/postgres.js";
import { type Engine, engine, until } from "../postgres/support.js";

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
  db.publisher.publishMany(names.map((name) => createMessage(name, {})));

async function start(...patterns: string[]): Promise<void> {
  const receiver = db.receiver();
  for (const pattern of patterns) {
    receiver.on("q", pattern, ({ message }) => {
      seen.push(message.name);
    });
  }
  await receiver.start();
}

const untilSeen = (...names: string[]) =>
  until(() => expect(seen.toSorted()).toEqual(names.toSorted()));

describe("seek", () => {
  it("handles everything from the earliest message on again, on one topic", async () => {
    await start("user.*", "job.*");
    await publish("user.a", "job.a");
    await untilSeen("user.a", "job.a");
    const moves = await operations.seek("q", { to: "earliest", topic: "user" });
    expect(moves).toEqual([{ topic: "user", from: "3", to: "1" }]);
    await untilSeen("user.a", "user.a", "job.a");
  });

  it("moves all topics, and those that are not met yet, and can be undone", async () => {
    await publish("user.old");
    await start("*");
    await publish("user.a", "job.a");
    await untilSeen("user.a", "job.a");
    const moves = await operations.seek("q", { to: { position: 1n } });
    expect(moves.map(({ topic, to }) => [topic, to])).toEqual([
      ["job", "1"],
      ["user", "1"],
    ]);
    await untilSeen("user.old", "user.a", "user.a", "job.a", "job.a");
    for (const { topic, from } of moves) {
      const back = await operations.seek("q", { to: { position: from }, topic });
      expect(back[0]?.to).toBe(from);
    }
    await publish("new.a");
    await untilSeen("user.old", "user.a", "user.a", "job.a", "job.a", "new.a");
  });

  it("goes forward over what it has not read", async () => {
    await operationsOfStopped("user.*");
    await publish("user.a", "user.b");
    const moves = await operations.seek("q", { to: "now" });
    expect(moves).toEqual([{ topic: "user", from: "1", to: "3" }]);
    await start("user.*");
    await publish("user.c");
    await untilSeen("user.c");
  });

  it("goes to a time", async () => {
    await start("user.*");
    const [first] = await publish("user.a");
    await untilSeen("user.a");
    await db.pool.query(
      "update opinionated_events.message set published_at = '2026-01-01T00:00:00Z' where id = $1",
      [first?.id],
    );
    await publish("user.b");
    await untilSeen("user.a", "user.b");
    await operations.seek("q", { to: new Date("2026-01-01T00:00:00.001Z") });
    await untilSeen("user.a", "user.b", "user.b");
  });

  it.each([
    ["INVALID_NAME", "not a name", { to: "now" }],
    ["INVALID_NAME", "q", { to: "now", topic: "" }],
    ["INVALID_OPTIONS", "q", { to: "latest" }],
    ["INVALID_OPTIONS", "q", { to: { position: -1n } }],
    ["INVALID_OPTIONS", "q", { to: { position: "9223372036854775808" } }],
    ["INVALID_OPTIONS", "q", { to: new Date(Number.NaN) }],
    ["INVALID_OPTIONS", "q", { until: "now" }],
    ["NOT_SUBSCRIBED", "q", { to: "now" }],
    ["NOT_SUBSCRIBED", "q", { to: "now", topic: "user" }],
  ])("refuses with %s: %s %o", async (code, queue, options) => {
    await expect(operations.seek(queue, options as never)).rejects.toMatchObject({ code });
  });
});

/** Subscribes, and reads nothing. */
async function operationsOfStopped(pattern: string): Promise<void> {
  const receiver = db.receiver();
  await receiver.on("q", pattern, () => {}).start();
  await receiver.stop();
}

describe("startAt", () => {
  it("begins at a position", async () => {
    await publish("user.a", "user.b", "user.c");
    const receiver = db.receiver().queue("q", { startAt: { position: "2" } });
    receiver.on("q", "user.*", ({ message }) => {
      seen.push(message.name);
    });
    await receiver.start();
    await untilSeen("user.b", "user.c");
  });
});
