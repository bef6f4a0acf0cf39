import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import { decodeEnvelopes, encodeEnvelopes } from "../../src/message/envelope.js";
import type { Message } from "../../src/message/message.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { started } from "../engine/engine.js";
import { untilBlocked } from "./blocked.js";
import { type Engine, engine, idOf, rows, until } from "./support.js";

let db: Engine;
let one: pg.PoolClient;
let other: pg.PoolClient;
let topic: string;
let count = 0;
beforeAll(async () => {
  db = await engine();
});
afterAll(() => db.close());
beforeEach(async () => {
  [one, other] = [await db.pool.connect(), await db.pool.connect()];
  count += 1;
  topic = `topic${count}`;
});
afterEach(() => {
  for (const client of [one, other]) client.release(true);
});

const make = (dedupKey: string, options: MessageOptions = {}): Message =>
  createMessage("job.due", { dedupKey }, { topic, dedupKey, ...options });
const publish = async (message: Message, client?: pg.PoolClient) =>
  (await db.publisher.publishOne(message, client && withTx(client))).status;
const stored = async () =>
  (
    await rows(
      db.pool,
      "select id from opinionated_events.message where topic = $1 order by position",
      [topic],
    )
  ).map(idOf);
/** Ends the windows of all keys, by the only clock that counts. */
const endWindows = () =>
  rows(db.pool, "update opinionated_events.dedup set until = clock_timestamp()");

describe("a dedup key", () => {
  it("lets one message of its topic through, and says that the next is a duplicate", async () => {
    const [first, second, third] = [make("k"), make("k"), make("other")];
    expect([await publish(first), await publish(second), await publish(third)]).toEqual([
      "stored",
      "duplicate",
      "stored",
    ]);
    expect(await publish(make("k", { topic: `${topic}.b` }))).toBe("stored");
    expect(await stored()).toEqual([first.id, third.id]);
  });

  it("answers with the id of the message that was given", async () => {
    const second = make("k");
    await publish(make("k"));
    expect(await db.publisher.publishOne(second)).toEqual({ id: second.id, status: "duplicate" });
  });

  it("may be as long as a key, in any script", async () => {
    const long = Array.from({ length: 1_000 }, (_, n) => String.fromCharCode(0x4e00 + 13 * n));
    expect(await publish(make(long.join("")))).toBe("stored");
    expect(await publish(make(long.join("")))).toBe("duplicate");
  });

  it("is told apart in a bulk publish, in its order, among messages without one", async () => {
    const plain = () => createMessage("job.due", 1, { topic });
    const batch = [make("b"), plain(), make("a"), make("b"), make("a"), plain(), make("c")];
    const results = await db.publisher.publishMany(batch);
    const status = results.map((result) => result.status === "stored");
    expect(status).toEqual([true, true, true, false, false, true, true]);
    expect(await stored()).toEqual(batch.filter((_, n) => status[n]).map(idOf));
  });

  it("counts for its window by the database's clock, whatever the window of the next one", async () => {
    await publish(make("k"));
    expect(await publish(make("k", { dedupMs: 0 }))).toBe("duplicate");
    await endWindows();
    expect(await publish(make("k"))).toBe("stored");
    expect(await publish(make("k"))).toBe("duplicate");
  });

  it("is kept for 5 minutes unless the message says otherwise", async () => {
    await publish(make("k"));
    await publish(make("l", { dedupMs: 3_600_000 }));
    const left = await rows(
      db.pool,
      `select round(extract(epoch from until - published_at))::int as s
       from opinionated_events.dedup join opinionated_events.message using (id) where topic = $1 order by position`,
      [topic],
    );
    expect(left).toEqual([{ s: 300 }, { s: 3_600 }]);
  });

  it("stays with the message that has taken it when that comes again", async () => {
    const first = make("k");
    await publish(first);
    await endWindows();
    expect(await publish(first)).toBe("duplicate");
    // Else this one would be held back by a message that was not stored.
    expect(await publish(make("k"))).toBe("stored");
  });

  it("writes no row for a message without one", async () => {
    const before = await rows(db.pool, "select count(*) from opinionated_events.dedup");
    await db.publisher.publishMany([1, 2].map((n) => createMessage("job.due", n, { topic })));
    expect(await rows(db.pool, "select count(*) from opinionated_events.dedup")).toEqual(before);
  });
});

describe("a transaction", () => {
  it("that rolls back leaves nothing of its keys behind, nor does a savepoint", async () => {
    const failing = transaction(db.pool, async (tx) => {
      await db.publisher.publishOne(make("k"), withTx(tx));
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await one.query("begin; savepoint s");
    expect(await publish(make("k"), one)).toBe("stored");
    await one.query("rollback to savepoint s");
    expect(await publish(make("k"), one)).toBe("stored");
    expect(await publish(make("k"), one)).toBe("duplicate");
    await one.query("commit");
    expect(await publish(make("k"))).toBe("duplicate");
  });

  it.each([
    ["commit", "duplicate"],
    ["rollback", "stored"],
  ])("is waited for by the next publish of the key: %s, %s", async (end, status) => {
    await one.query("begin");
    await publish(make("k"), one);
    const waiting = started(publish(make("k"), other));
    await untilBlocked(db.pool, other);
    await one.query(end);
    expect(await waiting).toBe(status);
    expect((await stored()).length).toBe(1);
  });

  it("of REPEATABLE READ fails with 40001 if the key was taken behind its back", async () => {
    await one.query("begin isolation level repeatable read; select 1");
    await publish(make("k"));
    const failing = publish(make("k"), one);
    await expect(failing).rejects.toMatchObject({ failures: [{ error: { code: "40001" } }] });
    await one.query("rollback");
    expect(await publish(make("k"), one)).toBe("duplicate");
  });

  it("takes the keys of a bulk publish in an order that is the same for all", async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
    const publishers = Array.from({ length: 8 }, (_, n) => {
      const order = n % 2 === 0 ? keys : keys.toReversed();
      return db.publisher.publishMany(order.map((key) => make(key)));
    });
    const results = (await Promise.all(publishers)).flat();
    expect(results.filter(({ status }) => status === "stored").length).toBe(keys.length);
  });
});

describe("SQL", () => {
  const sql = async (args: string) =>
    (await rows(db.pool, `select status from opinionated_events.${args}`)).map((r) => r.status);

  it("publishes with a dedup key, which TypeScript respects", async () => {
    const job = (more: string) => sql(`publish('job.due', '1', topic => '${topic}', ${more})`);
    expect(await job("dedup_key => 'k'")).toEqual(["stored"]);
    expect(await job("dedup_key => 'k', dedup_ms => 1")).toEqual(["duplicate"]);
    expect(await publish(make("k"))).toBe("duplicate");
    await endWindows();
    expect(await job("dedup_key => 'k', dedup_ms => 3600000")).toEqual(["stored"]);
    expect(await job("dedup_key => 'l', dedup_ms => 0")).toEqual(["stored"]);
    expect(await job("dedup_key => 'l'")).toEqual(["stored"]);
    expect(await job("dedup_ms => 1")).toEqual(["stored"]);
  });

  it("has the window of TypeScript where none is given", async () => {
    await sql(`publish('job.due', '1', topic => '${topic}', dedup_key => 'k')`);
    await publish(make("l"));
    const windows = await rows(
      db.pool,
      `select round(extract(epoch from until - published_at))::int as s
       from opinionated_events.dedup join opinionated_events.message using (id) where topic = $1`,
      [topic],
    );
    expect(windows).toEqual([{ s: 300 }, { s: 300 }]);
  });

  it("publishes many as on the wire", async () => {
    const messages = JSON.stringify([make("k"), make("k"), make("l", { dedupMs: 0 }), make("l")]);
    expect(await sql(`publish_many('${messages}')`)).toEqual([
      "stored",
      "duplicate",
      "stored",
      "stored",
    ]);
  });
});

describe("an envelope", () => {
  it("carries the key to where it counts", async () => {
    const { signal } = new AbortController();
    const first = make("k", { dedupMs: 3_600_000 });
    const received = decodeEnvelopes(encodeEnvelopes([first, make("k"), make("l")]));
    const results = await postgresDestination({ pool: db.pool }).deliver(received, { signal });
    expect(results).toEqual([{ status: "stored" }, { status: "duplicate" }, { status: "stored" }]);
    expect(received[0]).toMatchObject({ dedupKey: "k", dedupMs: 3_600_000 });
  });

  it("may be published by an async bridge", async () => {
    const bridge = asyncBridge([postgresDestination({ pool: db.pool })]);
    await bridge.publish([make("k"), make("k")], {});
    await bridge.drain({ deadlineMs: 20_000 });
    expect((await stored()).length).toBe(1);
  });
});

describe("keys whose window is over", () => {
  const left = async () =>
    (await rows(db.pool, "select count(*)::int as n from opinionated_events.dedup"))[0].n;

  it("are forgotten by any receiver, and the others are not", async () => {
    await db.publisher.publishMany(Array.from({ length: 1_000 }, (_, n) => make(`k${n}`)));
    await endWindows();
    const kept = make("kept");
    await publish(kept);
    const receiver = db.receiver().on("q", "elsewhere", () => {});
    await receiver.start();
    await until(async () => expect(await left()).toBe(1));
    await receiver.stop();
    const ids = (await rows(db.pool, "select id from opinionated_events.dedup")).map(idOf);
    expect(ids).toEqual([kept.id]);
  });

  it("are forgotten in bites, oldest first, but for those that are being taken again", async () => {
    for (const key of ["a", "b", "c", "d"]) await publish(make(key, { dedupMs: 0 }));
    const others = (await left()) - 4;
    await one.query("begin");
    await publish(make("a"), one);
    const forget = () => rows(db.pool, "select opinionated_events.forget_dedup_keys(2) as n");
    expect([await forget(), await forget(), await forget()].flat()).toEqual([
      { n: 2 },
      { n: 1 },
      { n: 0 },
    ]);
    await one.query("commit");
    expect((await left()) - others).toBe(1);
    expect(await publish(make("a"))).toBe("duplicate");
  });
});
