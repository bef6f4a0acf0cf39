import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { unsubscribe } from "../../src/postgres/subscription.js";
import { fatal } from "../../src/receiver/failure.js";
import { type Engine, engine, rows, until } from "../postgres/support.js";
import { deadLettersOf } from "./support.js";

let db: Engine;

beforeEach(async () => {
  db = await engine();
});
afterEach(() => db.close());

const giveUp = () => {
  throw fatal(new Error("never"));
};
const published = () =>
  rows(db.pool, "select name, key from opinionated_events.message where topic = 'dead_letter'");
const unwanted = () => rows(db.pool, "select name from opinionated_events.unwanted()");
const dead = async (count: number) =>
  until(async () => expect(await deadLettersOf(db.pool).count({})).toBe(count));

describe("a queue that is subscribed to dead letters", () => {
  it("is handed what dies in other queues, of batches and of deliveries", async () => {
    const seen: Message[] = [];
    await db
      .receiver()
      .on("q", "user.*", ({ message, attempt }) => {
        if (message.name === "user.retried" && attempt === 1) throw new Error("again");
        return giveUp();
      })
      .on("ops", "dead_letter.*", ({ message }) => seen.push(message))
      .start();
    const made = createMessage("user.made", { n: 1 }, { key: "k", headers: { h: "v" } });
    const retried = createMessage("user.retried", [null]);
    await db.publisher.publishMany([made, retried]);
    await until(() => expect(seen).toHaveLength(2));
    const [first, second] = seen.sort((a, b) => Number(b.key === "k") - Number(a.key === "k"));
    const payloadOf = (message?: Message) => message?.payload as Record<string, unknown>;
    expect([first?.name, first?.key, second?.name, second?.key]).toEqual([
      "dead_letter.q",
      "k",
      "dead_letter.q",
      undefined,
    ]);
    expect(payloadOf(first)).toEqual({
      queue: "q",
      id: made.id,
      name: "user.made",
      topic: "user",
      key: "k",
      payload: { n: 1 },
      headers: { h: "v" },
      reason: { code: "FATAL", message: "never", stack: expect.any(String) },
      attempts: [expect.objectContaining({ attempt: 1, code: "FATAL", message: "never" })],
      diedAt: expect.any(String),
    });
    expect(payloadOf(second)).toMatchObject({ id: retried.id, payload: [null], key: null });
    expect(payloadOf(second).attempts).toHaveLength(2);
    const letter = await deadLettersOf(db.pool).inspect("q", made.id);
    expect(new Date(payloadOf(first).diedAt as string)).toEqual(letter?.diedAt);
  });

  it("is not handed its own, nor what dies of the topic elsewhere", async () => {
    const receiver = db.receiver();
    receiver.on("q", "user.*", giveUp).on("ops", "dead_letter.*", giveUp);
    await receiver.on("ops2", "dead_letter.q", giveUp).start();
    await db.publisher.publishOne(createMessage("user.made", 1));
    await dead(3);
    await receiver.stop();
    expect(await published()).toEqual([{ name: "dead_letter.q", key: null }]);
  });

  it("has a name for queues whose names are long", async () => {
    const queue = "q".repeat(255);
    const seen: string[] = [];
    await db
      .receiver()
      .on(queue, "user.*", giveUp)
      .on("ops", "dead_letter.*", ({ message }) => seen.push(message.name))
      .start();
    await db.publisher.publishOne(createMessage("user.made", 1));
    await until(() => expect(seen).toEqual([`dead_letter.${queue}`.slice(0, 255)]));
  });

  it("reads them in a transaction, which may be rolled back", async () => {
    const attempts: number[] = [];
    await rows(db.pool, "create table ticket (id uuid)");
    await db
      .receiver()
      .on("q", "user.*", giveUp)
      .on(
        "ops",
        "dead_letter.*",
        async ({ payload, attempt, tx }) => {
          attempts.push(attempt);
          await tx.query("insert into ticket values ($1)", [(payload as { id: string }).id]);
          if (attempt === 1) throw new Error("rolled back");
        },
        { transactional: true },
      )
      .start();
    const message = createMessage("user.made", 1);
    await db.publisher.publishOne(message);
    await until(async () =>
      expect(await rows(db.pool, "select * from ticket")).toEqual([{ id: message.id }]),
    );
    expect(attempts).toEqual([1, 2]);
  });
});

describe("a message of a death", () => {
  it("is there exactly if the death is: not if its transaction is rolled back", async () => {
    await rows(db.pool, "select opinionated_events.subscribe('q', 'user.*')");
    await rows(db.pool, "select opinionated_events.subscribe('ops', 'dead_letter.*')");
    await db.publisher.publishOne(createMessage("user.made", 1));
    const [lease, message] = await rows(
      db.pool,
      "select * from opinionated_events.claim('q', 'user', 10, null, 60000)",
    );
    const batch = [{ n: 0, queue: "q", topic: "user", seq: lease.seq, token: lease.token }];
    const reason = { code: "X", message: "x" };
    const left = [{ n: 0, position: message.position, state: "dead", attempt: 1, reason }];
    const values = [JSON.stringify(batch), JSON.stringify(left)];
    const settle = "select opinionated_events.settle_batches($1, $2, 60000)";
    const session = await db.pool.connect();
    await session.query("begin");
    await session.query(settle, values);
    const inside = "select from opinionated_events.message where topic = 'dead_letter'";
    expect((await session.query(inside)).rows).toHaveLength(1);
    await session.query("rollback");
    session.release();
    expect(await published()).toEqual([]);
    await rows(db.pool, settle, values);
    await rows(db.pool, settle, values);
    expect(await published()).toEqual([{ name: "dead_letter.q", key: null }]);
  });

  it("is not published for a queue of every topic, which is not handed those of others", async () => {
    const seen: string[] = [];
    const receiver = db.receiver();
    await receiver
      .on("q", "user.*", giveUp)
      .on("all", "*", ({ message }) => seen.push(message.name))
      .start();
    await db.publisher.publishOne(createMessage("user.made", 1));
    await dead(1);
    expect(await published()).toEqual([]);

    await rows(db.pool, "select opinionated_events.subscribe('ops', 'dead_letter.*')");
    await db.publisher.publishOne(createMessage("user.made", 2));
    await dead(2);
    expect(await published()).toHaveLength(1);
    await db.publisher.publishOne(createMessage("last.made", 3));
    await until(() => expect(seen).toContain("last.made"));
    expect(seen).toEqual(["user.made", "user.made", "last.made"]);
    expect(await unwanted()).toEqual([]);

    await unsubscribe(db.pool, "ops", "dead_letter.*");
    await db.publisher.publishOne(createMessage("user.made", 4));
    await dead(3);
    expect(await published()).toHaveLength(1);
    expect(await unwanted()).toEqual([{ name: "dead_letter.q" }]);
  });

  it("comes no more to a queue of every topic that has unsubscribed from them", async () => {
    const seen: string[] = [];
    await rows(db.pool, "select opinionated_events.subscribe('ops', 'dead_letter.*')");
    await rows(db.pool, "select opinionated_events.subscribe('all', '*')");
    await rows(db.pool, "select opinionated_events.subscribe('all', 'dead_letter.*')");
    await unsubscribe(db.pool, "all", "dead_letter.*");
    await db
      .receiver()
      .on("q", "user.*", giveUp)
      .on("all", "*", ({ message }) => seen.push(message.name))
      .start();
    await db.publisher.publishOne(createMessage("user.made", 1));
    await dead(1);
    expect(await published()).toHaveLength(1);
    await db.publisher.publishOne(createMessage("last.made", 2));
    await until(() => expect(seen).toContain("last.made"));
    expect(seen).toEqual(["user.made", "last.made"]);
  });
});
