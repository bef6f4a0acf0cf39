import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { migrate } from "../../src/postgres/migrate.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { type Engine, engine, idOf, rows } from "./support.js";

let db: Engine;
beforeAll(async () => {
  db = await engine();
});
afterAll(() => db.close());

const stored = async (ids: readonly string[]) =>
  (
    await rows(
      db.pool,
      "select id from opinionated_events.message where id = any ($1) order by position",
      [ids],
    )
  ).map(idOf);

describe("publishing to Postgres", () => {
  it("stores a message exactly as it was made", async () => {
    const payload = { text: 'ü \u{1f600} "\\', list: [1, 2.5, null], ["__proto__"]: 1 };
    const options = {
      key: "k",
      headers: { a: "b" },
      topic: "people",
      deliverAt: new Date("2030-01-02T03:04:05.678Z"),
    };
    const message = createMessage("user.created", payload, options);
    await expect(db.publisher.publishOne(message)).resolves.toEqual({
      id: message.id,
      status: "stored",
    });
    const [row] = await rows(
      db.pool,
      "select *, payload::text as text from opinionated_events.message where id = $1",
      [message.id],
    );
    expect(row).toMatchObject({
      name: "user.created",
      topic: "people",
      key: "k",
      headers: { a: "b" },
      text: message.json,
    });
    expect(row.deliver_at).toEqual(options.deliverAt);
  });

  it("keeps the order and the payloads of a bulk publish, whatever is set on each", async () => {
    const messages = Array.from({ length: 1_500 }, (_, n) =>
      createMessage(
        "bulk.made",
        { n, text: `"${n}"` },
        n % 2 === 0 ? {} : { key: `k${n}`, headers: { n: `${n}` }, delayMs: 60_000 },
      ),
    );
    const results = await db.publisher.publishMany(messages);
    expect(results.map(idOf)).toEqual(messages.map(idOf));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["stored"]));
    const found = await rows(
      db.pool,
      "select id, key, headers, payload::text, deliver_at > now() as late from opinionated_events.message where topic = 'bulk' order by position",
    );
    expect(found.map(idOf)).toEqual(messages.map(idOf));
    expect(found[1]).toMatchObject({ key: "k1", headers: { n: "1" }, late: true });
    expect(found[2]).toMatchObject({ key: null, headers: null, late: null });
    expect(found.map(({ payload }) => payload)).toEqual(messages.map(({ json }) => json));
  });

  it("stores null, alone and in bulk", async () => {
    const messages = [1, 2, 3].map(() => createMessage("user.created", null));
    await db.publisher.publishOne(messages[0] as Message);
    await db.publisher.publishMany(messages.slice(1));
    expect(await stored(messages.map(idOf))).toEqual(messages.map(idOf));
  });

  it("stores a message once, and says that the second is a duplicate", async () => {
    const [one, two] = [createMessage("user.created", 1), createMessage("user.created", 2)];
    await db.publisher.publishOne(one);
    await expect(db.publisher.publishOne(one)).resolves.toEqual({
      id: one.id,
      status: "duplicate",
    });
    const results = await db.publisher.publishMany([two, one, two]);
    expect(results.map(({ status }) => status)).toEqual(["stored", "duplicate", "duplicate"]);
    expect(await stored([one.id, two.id])).toEqual([one.id, two.id]);
  });

  it("publishes what the transaction commits, and nothing of what it rolls back", async () => {
    const kept = createMessage("user.created", { id: 1 });
    const undone = createMessage("user.created", { id: 2 });
    await transaction(db.pool, (tx) => db.publisher.publishOne(kept, withTx(tx)));
    const failing = transaction(db.pool, async (tx) => {
      await db.publisher.publishMany([undone], withTx(tx));
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await stored([kept.id, undone.id])).toEqual([kept.id]);
  });

  it("goes with the caller's savepoint", async () => {
    const [before, inside, after] = [1, 2, 3].map((n) => createMessage("user.created", n));
    await transaction(db.pool, async (tx) => {
      await db.publisher.publishOne(before as never, withTx(tx));
      await tx.query("savepoint s");
      await db.publisher.publishOne(inside as never, withTx(tx));
      await tx.query("rollback to savepoint s");
      await db.publisher.publishOne(after as never, withTx(tx));
    });
    expect(
      await stored([before, inside, after].map((message) => (message as { id: string }).id)),
    ).toEqual([before?.id, after?.id]);
  });

  it("leaves the caller's transaction as it is: open, with its settings and no savepoint", async () => {
    const client = await db.pool.connect();
    try {
      await client.query("begin isolation level repeatable read");
      const settings =
        "select name, setting from pg_settings where name ~ 'commit|isolation|enable_' order by 1";
      const before = (await client.query(settings)).rows;
      await db.publisher.publishOne(createMessage("user.created", 1), withTx(client));
      expect((await client.query(settings)).rows).toEqual(before);
      await expect(client.query("release savepoint s")).rejects.toMatchObject({ code: "3B001" });
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  it("prepares its statements only where it is told to, for each schema apart", async () => {
    await migrate(db.pool, { schema: "other" });
    const prepared = async (schema: string, preparedStatements: boolean) => {
      const destination = postgresDestination({ pool: db.pool, schema, preparedStatements });
      const publisher = new Publisher({ bridge: syncBridge([destination]) });
      const messages = Array.from({ length: 5 }, (_, n) => createMessage("user.created", n));
      await publisher.publishOne(messages[0] as Message, withTx(client));
      await publisher.publishMany(messages.slice(1), withTx(client));
      const { rows: found } = await client.query("select name from pg_prepared_statements");
      return found.map(({ name }) => name).sort();
    };
    const client = await db.pool.connect();
    try {
      expect(await prepared("opinionated_events", false)).toEqual([]);
      const ours = ["opinionated_events.append_many", "opinionated_events.append_one"];
      expect(await prepared("opinionated_events", true)).toEqual(ours);
      const others = ['"other".append_many', '"other".append_one'];
      expect(await prepared("other", true)).toEqual([...others, ...ours]);
    } finally {
      client.release();
    }
  });

  it("says how to migrate if the schema is not there", async () => {
    const publisher = new Publisher({
      bridge: syncBridge([postgresDestination({ pool: db.pool, schema: "nowhere" })]),
    });
    const failing = publisher.publishOne(createMessage("user.created", 1));
    await expect(failing).rejects.toMatchObject({
      code: "PUBLISH_FAILED",
      failures: [{ error: { code: "SCHEMA_MISSING" } }],
    });
  });

  it("refuses what the database can't hold before anything is written", async () => {
    const id = randomUUID();
    expect(() => createMessage("user.created", { text: "a\u0000b" }, { id })).toThrow(
      expect.objectContaining({ code: "INVALID_PAYLOAD" }),
    );
    expect(await stored([id])).toEqual([]);
  });
});
