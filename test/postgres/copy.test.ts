import { from } from "pg-copy-streams";
import { afterEach, beforeEach, expect, test } from "vitest";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { type Engine, engine, rows } from "./support.js";

let db: Engine;
let copies: string[];
let publisher: Publisher<true>;
beforeEach(async () => {
  db = await engine();
  copies = [];
  const copyFrom = (statement: string) => {
    copies.push(statement);
    return from(statement);
  };
  publisher = new Publisher({
    bridge: syncBridge([postgresDestination({ pool: db.pool, copyFrom })]),
  });
});
afterEach(() => db.close());

const make = (count: number, options: MessageOptions = {}) =>
  Array.from({ length: count }, (_, n) => createMessage("user.created", { n }, options));

const statusesOf = async (messages: readonly Message[]) =>
  new Set((await publisher.publishMany(messages)).map(({ status }) => status));

const log = () => rows(db.pool, "select * from opinionated_events.message order by position");

/** Without what each publish has of its own. */
const stored = async () =>
  (await log()).map(({ xid: _x, position: _p, published_at: _a, ...fields }) => fields);

test("a copied message is to the letter what an inserted one is, in the same order", async () => {
  const odd = 'a "b" \\ c\td\r\ne \\. \\N \u2028 €';
  const messages = [
    ...make(98),
    createMessage("user.created", { [odd]: odd }, { key: odd, headers: { [odd]: odd } }),
    createMessage("order.paid", null, { topic: "orders", key: "1" }),
  ];
  expect(await statusesOf(messages)).toEqual(new Set(["stored"]));
  expect(copies).toHaveLength(1);
  const copied = await stored();
  const transactions = await rows(db.pool, "select distinct xid from opinionated_events.message");
  expect(transactions).toHaveLength(1);
  await db.pool.query("truncate opinionated_events.message");
  await db.publisher.publishMany(messages);
  expect(copied).toEqual(await stored());
  expect(copied.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
});

test("a receiver is woken by a copy, and gets what was copied", async () => {
  const seen: string[] = [];
  const receiver = db.receiver({ triggers: [db.notify()] });
  receiver.on("mail", "user.created", ({ message }) => seen.push(message.id));
  await receiver.start();
  const messages = make(500);
  await publisher.publishMany(messages);
  await expect.poll(() => seen.length).toBe(500);
  expect(seen.toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
  expect(copies).toHaveLength(1);
});

test("what is there already is a duplicate, and the rest of its batch is stored", async () => {
  const [first, second] = [make(100), make(100)];
  expect(await statusesOf(first)).toEqual(new Set(["stored"]));
  expect(await statusesOf(first)).toEqual(new Set(["duplicate"]));
  const mixed = [...second.slice(0, 60), ...first.slice(0, 60), ...second.slice(60)];
  const results = await publisher.publishMany(mixed);
  const isKnown = new Set(first.map(({ id }) => id));
  for (const { id, status } of results)
    expect(status).toBe(isKnown.has(id) ? "duplicate" : "stored");
  expect(await log()).toHaveLength(200);
  const { idleCount, totalCount } = db.pool;
  expect(idleCount).toBe(totalCount);
});

test("ids that an older segment may hold are looked for there", async () => {
  const messages = make(100);
  await publisher.publishMany(messages);
  const copied = copies.length;
  // As a rotation leaves it: any id may be in the segment that was closed.
  await db.pool.query(
    "select setval('opinionated_events.current_segment', 281474976710655::bigint << 3 | 1)",
  );
  expect(await statusesOf(messages)).toEqual(new Set(["duplicate"]));
  expect(await statusesOf(make(100))).toEqual(new Set(["stored"]));
  expect(copies).toHaveLength(copied);
  expect(await log()).toHaveLength(200);
});

test("it is not copied what is few, due later, guarded, of another id, or escaped; nor in a transaction", async () => {
  await publisher.publishMany(make(99));
  await publisher.publishMany(make(100, { delayMs: 1 }));
  await publisher.publishMany(make(100, { deliverAt: new Date() }));
  await publisher.publishMany(make(100, { key: "k", orderedByKey: true }));
  await publisher.publishMany([...make(99), ...make(1, { dedupKey: "k" })]);
  await publisher.publishMany([...make(99), ...make(1, { id: crypto.randomUUID() })]);
  await publisher.publishMany([...make(99), createMessage("user.created", "\u0001")]);
  const headers = { escape: "\u0001" };
  await publisher.publishMany([...make(99), createMessage("user.created", 1, { headers })]);
  await transaction(db.pool, (tx) => publisher.publishMany(make(100), withTx(tx)));
  expect(copies).toEqual([]);
  expect(await log()).toHaveLength(899);
});

test("an error is that of an insert, and the connection is given back", async () => {
  const broken = new Proxy(make(1)[0] as Message, {
    get: (message, field) => (field === "json" ? "{" : Reflect.get(message, field, message)),
  });
  const failing = publisher.publishMany([...make(99), broken]);
  await expect(failing).rejects.toMatchObject({
    code: "PUBLISH_FAILED",
    failures: [{ error: { code: "INVALID_PAYLOAD" } }],
  });
  expect(copies).toHaveLength(1);
  expect(await log()).toEqual([]);
  expect(await statusesOf(make(100))).toEqual(new Set(["stored"]));
});

test("a client that can't copy is refused", () => {
  const pool = { query: async () => ({ rows: [] }) };
  const options = { pool, copyFrom: from };
  expect(() => postgresDestination(options)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTIONS" }),
  );
});
