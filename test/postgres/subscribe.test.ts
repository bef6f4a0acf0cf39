import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimBatch } from "../../src/postgres/batch.js";
import { Database } from "../../src/postgres/database.js";
import { subscribe } from "../../src/postgres/subscription.js";
import { poll } from "../../src/postgres/wake.js";
import { type Engine, engine, rows } from "./support.js";

let db: Engine;
let database: Database;
beforeEach(async () => {
  db = await engine();
  database = new Database(db.pool);
});
afterEach(() => db.close());

const insert = (name: string, topic: string, xid?: string) =>
  rows(
    db.pool,
    `insert into opinionated_events.message (${xid ? "xid, " : ""}id, name, topic, payload)
     values (${xid ? `'${xid}', ` : ""}$1, $2, $3, '{}')`,
    [randomUUID(), name, topic],
  );

/** The names that a queue still gets from a topic. */
async function drain(queue: string, topic: string): Promise<string[]> {
  const batch = await claimBatch(database, queue, topic, 100, { session: null, leaseMs: 60_000 });
  if (!batch) return [];
  return [...batch.messages.map(({ message }) => message.name), ...(await drain(queue, topic))];
}

const rebase = () => rows(db.pool, "select opinionated_events.rebase()");

describe("a subscription", () => {
  it("to a topic goes on where the queue's '*' stands", async () => {
    await subscribe(database, { queue: "q", pattern: "*", topic: "*" });
    await insert("user.created", "user");
    await subscribe(database, { queue: "q", pattern: "user.created", topic: "user" });
    expect(await drain("q", "user")).toEqual(["user.created"]);
  });

  it("from the earliest includes what an earlier cluster wrote", async () => {
    await insert("user.old", "user", "5000000000");
    await rebase();
    await insert("user.new", "user");
    await subscribe(database, { queue: "q", pattern: "user.*", topic: "user" }, "earliest");
    expect(await drain("q", "user")).toEqual(["user.old", "user.new"]);
  });

  it("goes on after two restores with nothing between them", async () => {
    await insert("user.old", "user", "5000000000");
    await subscribe(database, { queue: "q", pattern: "user.*", topic: "user" });
    await rebase();
    expect(await drain("q", "user")).toEqual([]);
    await rebase();
    await insert("user.new", "user");
    expect(await drain("q", "user")).toEqual(["user.new"]);
  });

  it("to a prefix wants neither the bare prefix nor other names of the topic", async () => {
    await subscribe(database, { queue: "q", pattern: "user.*", topic: "user" });
    for (const name of ["user", "userx.created", "other.made", "user.created"]) {
      await insert(name, "user");
    }
    expect(await drain("q", "user")).toEqual(["user.created"]);
  });

  it("does not walk again and again over what nobody wants", async () => {
    await subscribe(database, { queue: "q", pattern: "user.created", topic: "user" });
    await rows(
      db.pool,
      `insert into opinionated_events.message (id, name, topic, payload)
       select gen_random_uuid(), 'user.seen', 'user', '{}' from generate_series(1, 20000)`,
    );
    const handled = [{ queue: "q", patterns: ["user.created"] }];
    expect((await poll(database, handled)).news).toHaveLength(1);
    expect(await drain("q", "user")).toEqual([]);
    expect((await poll(database, handled)).news).toEqual([]);
  });

  it("leaves what nobody wants visible, until somebody does", async () => {
    await subscribe(database, { queue: "q", pattern: "user.created", topic: "user" });
    await subscribe(database, { queue: "q", pattern: "order.*", topic: "order" });
    for (const name of ["user.created", "user.craeted", "user.craeted", "order.placed"])
      await insert(name, name.split(".")[0] as string);
    const unwanted = () =>
      rows(db.pool, "select name, messages::int from opinionated_events.unwanted()");
    expect(await unwanted()).toEqual([{ name: "user.craeted", messages: 2 }]);
    await subscribe(database, { queue: "all", pattern: "*", topic: "*" });
    expect(await unwanted()).toEqual([]);
  });
});
