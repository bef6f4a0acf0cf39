import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMessage } from "../../src/message/create-message.js";
import { defineEvent } from "../../src/message/event.js";
import type { Message } from "../../src/message/message.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { started } from "../engine/engine.js";
import { untilBlocked } from "./blocked.js";
import { type Engine, engine, idOf, rows } from "./support.js";

let db: Engine;
let one: pg.PoolClient;
let other: pg.PoolClient;
beforeAll(async () => {
  db = await engine();
  await rows(db.pool, "create sequence tickets");
  await rows(db.pool, "create table ticket (id uuid, n bigint)");
});
afterAll(() => db.close());
beforeEach(async () => {
  [one, other] = [await db.pool.connect(), await db.pool.connect()];
  await rows(db.pool, "truncate opinionated_events.message");
  for (const client of [one, other]) await client.query("begin");
});
afterEach(() => {
  for (const client of [one, other]) client.release(true);
});

const changed = defineEvent("account.changed", z.unknown(), { orderedByKey: true });
const free = defineEvent("account.changed", z.unknown());
const ordered = (key: string): Message => changed(key, { key });

const publish = (client: pg.ClientBase, ...messages: Message[]) =>
  db.publisher.publishMany(messages, withTx(client));
const inOrder = async () =>
  (await rows(db.pool, "select id from opinionated_events.message order by position")).map(idOf);
const lastPosition = async () =>
  (await rows(db.pool, "select opinionated_events.head() as n"))[0].n;

/** The advisory locks that the client holds. A lock on a bigint has the objsubid 1, one on a pair 2. */
const locksOf = (client: pg.ClientBase) =>
  rows(
    db.pool,
    `select (classid::bigint << 32 | objid::bigint)::text as key, objsubid from pg_locks
     where locktype = 'advisory' and granted and pid = $1`,
    [(client as unknown as { processID: number }).processID],
  );
const lockOf = (topic: string, key: string) =>
  rows(db.pool, "select opinionated_events.key_lock($1, $2)::text as key, 1 as objsubid", [
    topic,
    key,
  ]);

/** Ten transactions of one key at once. How many pairs of them have positions in another order than their ends. */
async function inversions(event: typeof changed): Promise<number> {
  const ends = Array.from({ length: 10 }, () =>
    transaction(db.pool, async (tx) => {
      const message = event(null, { key: "k" });
      await db.publisher.publishOne(message, withTx(tx));
      await tx.query("select pg_sleep(random() / 50)");
      // The last that it does: with the lock nobody else can end in between.
      await tx.query("insert into ticket values ($1, nextval('tickets'))", [message.id]);
    }),
  );
  await Promise.all(ends);
  const [{ n }] = await rows(
    db.pool,
    `with m as (select position, n from opinionated_events.message join ticket using (id))
     select count(*)::int as n from m a join m b on a.position < b.position and a.n > b.n`,
  );
  return n;
}

describe("a key that is ordered", () => {
  it("has no position before the transaction ends that published it last", async () => {
    const [first, second] = [ordered("k"), ordered("k")];
    await publish(one, first);
    const head = await lastPosition();
    const waiting = started(publish(other, createMessage("account.seen", 1), second));
    await untilBlocked(db.pool, other);
    // Nor has what it is published with.
    expect(await lastPosition()).toBe(head);
    await one.query("commit");
    await waiting;
    await other.query("commit");
    const ids = await inOrder();
    expect([ids[0], ids[2]]).toEqual([first.id, second.id]);
  });

  it("goes on when that rolls back", async () => {
    await publish(one, ordered("k"));
    const waiting = started(publish(other, ordered("k")));
    await untilBlocked(db.pool, other);
    await one.query("rollback");
    await waiting;
  });

  it("has positions in the order of commits, as one that isn't has not", async () => {
    for (const client of [one, other]) await client.query("rollback");
    expect(await inversions(changed)).toBe(0);
    await rows(db.pool, "truncate opinionated_events.message");
    let seen = 0;
    while (seen === 0) seen = await inversions(free);
    expect(seen).toBeGreaterThan(0);
  });

  it("is locked until the end, in a space that no other lock of ours is in", async () => {
    await publish(one, ordered("k"));
    expect(await locksOf(one)).toEqual(await lockOf("account", "k"));
    await one.query("commit");
    expect(await locksOf(one)).toEqual([]);
  });

  it("keeps nobody else waiting: other keys, other topics, those that are not ordered", async () => {
    await publish(one, ordered("k"));
    await publish(other, ordered("l"), free(1, { key: "k" }));
    const elsewhere = { topic: "elsewhere", key: "k", orderedByKey: true };
    await publish(other, createMessage("account.changed", 1, elsewhere));
    expect((await locksOf(other)).length).toBe(2);
  });

  it("is locked in an order that is the same for all, also by SQL", async () => {
    for (const client of [one, other]) await client.query("rollback");
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
    const publishMany = "select opinionated_events.publish_many($1, ordered_by_key => true)";
    const publishers = Array.from({ length: 8 }, (_, n) => {
      const messages = (n % 2 === 0 ? keys : keys.toReversed()).map(ordered);
      return n % 4 < 2
        ? db.publisher.publishMany(messages)
        : rows(db.pool, publishMany, [JSON.stringify(messages)]);
    });
    await Promise.all(publishers);
    expect((await inOrder()).length).toBe(8 * keys.length);
  });

  it("may deadlock with calls that lock in another order: 40P01 for one of them", async () => {
    await publish(one, ordered("x"));
    await publish(other, ordered("y"));
    const results = await Promise.allSettled([
      publish(one, ordered("y")),
      publish(other, ordered("x")),
    ]);
    const failures = results.flatMap((result) =>
      result.status === "rejected" ? result.reason.failures : [],
    );
    expect(failures).toMatchObject([{ error: { code: "40P01" } }]);
  });
});

describe("SQL", () => {
  const call = (args: string) => `select opinionated_events.${args}`;
  it.each([
    ["publish", "publish('account.changed', '1', 'k', ordered_by_key => true)"],
    [
      "publish_many",
      `publish_many('[{"name": "account.changed", "payload": 1, "key": "k"}]', ordered_by_key => true)`,
    ],
  ])("locks the key as TypeScript does: %s", async (_, args) => {
    await one.query(call(args));
    expect(await locksOf(one)).toEqual(await lockOf("account", "k"));
    const head = await lastPosition();
    const waiting = started(publish(other, ordered("k")));
    await untilBlocked(db.pool, other);
    expect(await lastPosition()).toBe(head);
    await one.query("commit");
    await waiting;
    await one.query("begin");
    const late = started(one.query(call(args)));
    await untilBlocked(db.pool, one);
    expect(await lastPosition()).toBe(String(Number(head) + 1));
    await other.query("commit");
    await late;
  });

  it("locks nothing unless told to", async () => {
    await one.query(call("publish('account.changed', '1', 'k')"));
    await one.query(
      call(`publish_many('[{"name": "account.changed", "payload": 1, "key": "k"}]')`),
    );
    expect(await locksOf(one)).toEqual([]);
  });
});
