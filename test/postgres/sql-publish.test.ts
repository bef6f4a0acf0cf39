import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { type Engine, engine, idOf, rows, until } from "./support.js";

let db: Engine;
let client: pg.PoolClient;
beforeAll(async () => {
  db = await engine();
  await rows(db.pool, "create table users (id int primary key, email text)");
});
afterAll(() => db.close());
beforeEach(async () => {
  client = await db.pool.connect();
  await rows(db.pool, "truncate opinionated_events.message");
  await rows(db.pool, "truncate users");
});
afterEach(() => client.release(true));

/** Runs a script as psql would, and resolves with the rows of its last statement. */
const sql = async (text: string, values?: unknown[]) => {
  const results: pg.QueryResult | pg.QueryResult[] = await client.query(text, values);
  return (Array.isArray(results) ? results.at(-1) : results)?.rows ?? [];
};
const log = () =>
  rows(
    db.pool,
    "select *, payload::text as text from opinionated_events.message order by position",
  );
const names = async () => (await log()).map(({ name }) => name);

describe("publish", () => {
  it("stores what it is given, and fills in the rest", async () => {
    const id = randomUUID();
    const [result] = await sql(
      `select * from opinionated_events.publish('user.created', '{"a" :  [1, "\\u00fc"]}', 'k', '{"h": "v"}',
        '2030-01-02T03:04:05.678901Z', '${id}', 'people')`,
    );
    expect(result).toEqual({ id, status: "stored" });
    const [{ id: newId }] = await sql("select * from opinionated_events.publish('a.b.c', 'null')");
    const [full, bare] = await log();
    expect(full).toMatchObject({
      id,
      name: "user.created",
      topic: "people",
      key: "k",
      headers: { h: "v" },
      text: '{"a" :  [1, "\\u00fc"]}',
      deliver_at: new Date("2030-01-02T03:04:05.678Z"),
    });
    expect(bare).toMatchObject({ id: newId, name: "a.b.c", topic: "a", text: "null" });
    expect(bare).toMatchObject({ key: null, headers: null, deliver_at: null });
  });

  it("makes ids of version 7 that hold the time", async () => {
    const [{ id }] = await sql("select id from opinionated_events.publish('a', '1')");
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const [{ published_at: publishedAt }] = await log();
    const ms = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
    expect(Math.abs(ms - publishedAt.getTime())).toBeLessThan(60_000);
  });

  it("takes json, jsonb, literals and parameters", async () => {
    await sql(`select opinionated_events.publish('a', json_build_object('x', 1))`);
    await sql(`select opinionated_events.publish('a', '{"x":1}'::jsonb, headers => '{"h":"v"}')`);
    await sql(`select opinionated_events.publish('a', '[1]'::text, headers => null)`);
    await sql("select opinionated_events.publish($1, $2, headers => $3)", ["a", "[2]", "{}"]);
    const found = await log();
    expect(found.map(({ text }) => text)).toEqual(['{"x" : 1}', '{"x": 1}', "[1]", "[2]"]);
    expect(found.map(({ headers }) => headers)).toEqual([null, { h: "v" }, null, null]);
  });

  it("says duplicate for an id that is there, whoever published it", async () => {
    const message = createMessage("user.created", 1);
    await db.publisher.publishOne(message);
    const again = `select status from opinionated_events.publish('user.created', '2', id => '${message.id}')`;
    expect(await sql(again)).toEqual([{ status: "duplicate" }]);
    expect((await log()).map(({ text }) => text)).toEqual(["1"]);
  });

  it("goes with the transaction and its savepoints, in the order of the calls", async () => {
    await sql(`
      begin isolation level repeatable read;
      select opinionated_events.publish('a.1', '1');
      savepoint s;
      select opinionated_events.publish('a.2', '2');
      rollback to savepoint s;
      select opinionated_events.publish('a.3', '3'), opinionated_events.publish('a.4', '4');
      commit;
      begin;
      select opinionated_events.publish('a.5', '5');
      rollback;`);
    expect(await names()).toEqual(["a.1", "a.3", "a.4"]);
  });

  it("leaves the session's settings as they are, and depends on none of them", async () => {
    await sql("create schema hostile");
    await sql("create function hostile.strpos(text, text) returns int language sql as 'select 1'");
    await sql("create function hostile.length(text) returns int language sql as 'select 1000'");
    await sql(
      "set search_path = hostile, pg_catalog; set timezone = 'Asia/Kolkata'; set datestyle = 'German'",
    );
    await sql("set standard_conforming_strings = off");
    await sql(
      `select opinionated_events.publish('a.b', '"\\\\u00fc"', 'k', '{"h":"v"}', '2030-01-02T03:04:05Z')`,
    );
    await sql("set search_path = ''");
    await sql(
      `select opinionated_events.publish_many('[{"name":"a.c","payload":1,"deliverAt":"2030-01-02T03:04:05Z"}]')`,
    );
    expect(await sql("show search_path")).toEqual([{ search_path: '""' }]);
    expect((await log()).map(({ deliver_at }) => deliver_at.toISOString())).toEqual([
      "2030-01-02T03:04:05.000Z",
      "2030-01-02T03:04:05.000Z",
    ]);
  });

  it("notifies an idle receiver when it commits, once a transaction", async () => {
    const heard: string[] = [];
    client.on("notification", ({ channel }) => heard.push(channel));
    await sql("listen opinionated_events; listen done");
    await sql("select opinionated_events.declare_idle(3600000)");
    await sql("begin; select opinionated_events.publish('a', '1'); rollback");
    await sql(
      "begin; select opinionated_events.publish('a', '1'), opinionated_events.publish('b', '1'); commit",
    );
    await sql("notify done");
    await until(() => expect(heard).toContain("done"));
    expect(heard).toEqual(["opinionated_events", "done"]);
  });
});

describe("publish_many", () => {
  it("stores messages in their order, and says what became of each", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const list = [
      { name: "a.1", payload: { n: 1 }, id: one },
      { name: "a.2", payload: null, key: "k", headers: { h: "v" }, topic: "t", id: two },
      { name: "a.3", payload: 3, id: one },
      { name: "a.4", payload: 4, key: null, headers: null, deliverAt: null, id: null, topic: null },
    ];
    const results = await sql("select * from opinionated_events.publish_many($1)", [
      JSON.stringify(list),
    ]);
    const status = results.map(({ status }: { status: string }) => status);
    expect(status).toEqual(["stored", "stored", "duplicate", "stored"]);
    const found = await log();
    expect(found.map(idOf)).toEqual([one, two, results[3].id]);
    expect(found[1]).toMatchObject({ topic: "t", key: "k", headers: { h: "v" }, text: "null" });
    expect(found[2]).toMatchObject({ topic: "a", key: null, headers: null, deliver_at: null });
  });

  it("takes the envelopes of the wire", async () => {
    const deliverAt = new Date("2030-01-02T03:04:05.678Z");
    const message = createMessage("a.b", { x: [1] }, { key: "k", headers: { h: "v" }, deliverAt });
    await sql("select opinionated_events.publish_many($1)", [JSON.stringify([message])]);
    const [found] = await log();
    expect(found).toMatchObject({ id: message.id, topic: "a", key: "k", headers: { h: "v" } });
    expect([found.payload, found.deliver_at]).toEqual([{ x: [1] }, deliverAt]);
  });

  it("publishes nothing of an empty list, and nothing at all if one message is refused", async () => {
    expect(await sql("select * from opinionated_events.publish_many('[]')")).toEqual([]);
    expect(await sql("select * from opinionated_events.publish_many(null)")).toEqual([]);
    const list = '[{"name": "a.b", "payload": 1}, {"name": "a b", "payload": 2}]';
    await expect(sql(`select opinionated_events.publish_many('${list}')`)).rejects.toMatchObject({
      message: 'INVALID_NAME: the message "a b" (messages[1]) can\'t be published.',
    });
    expect(await names()).toEqual([]);
  });
});

describe("a trigger that publishes", () => {
  const trigger = (body: string, when: string) =>
    sql(`
      create or replace function publish_users() returns trigger language plpgsql as $$ begin ${body} return null; end $$;
      drop trigger if exists publish_users on users;
      create ${when} execute function publish_users();`);

  it("may be a row trigger", async () => {
    await trigger(
      "perform opinionated_events.publish('user.created', to_jsonb(new), key => new.id::text);",
      "trigger publish_users after insert on users for each row",
    );
    await sql("insert into users values (1, 'a'), (2, 'b')");
    expect((await log()).map(({ key, payload }) => [key, payload.email])).toEqual([
      ["1", "a"],
      ["2", "b"],
    ]);
  });

  it("may be a statement trigger with a transition table, of no rows, too", async () => {
    await trigger(
      `perform opinionated_events.publish_many((select json_agg(json_build_object('name', 'user.created', 'payload', t) order by id) from t));`,
      "trigger publish_users after insert on users referencing new table as t for each statement",
    );
    await sql("insert into users select n, 'x' from generate_series(1, 3) n");
    await sql("insert into users select 9, 'x' where false");
    expect((await log()).map(({ payload }) => payload.id)).toEqual([1, 2, 3]);
  });

  it("may be a deferred constraint trigger, which publishes at the commit", async () => {
    await trigger(
      "perform opinionated_events.publish('user.settled', (select to_jsonb(u) from users u where u.id = new.id));",
      "constraint trigger publish_users after insert on users deferrable initially deferred for each row",
    );
    await sql("begin; insert into users values (1, 'a'); update users set email = 'b'");
    expect((await sql("select from opinionated_events.message")).length).toBe(0);
    await sql("commit");
    expect((await log()).map(({ payload }) => payload)).toEqual([{ id: 1, email: "b" }]);
  });
});

describe("a receiver", () => {
  it("handles what SQL published, as it was published", async () => {
    const seen: Message[] = [];
    const receiver = db.receiver();
    receiver.on("q", "user.*", ({ message }) => seen.push(message));
    await receiver.start();
    await sql(`begin; select opinionated_events.publish('user.undone', '1'); rollback`);
    await sql(`
      begin;
      select opinionated_events.publish('user.one', '{"id": 1}', 'k', '{"h": "v"}');
      select opinionated_events.publish_many('[{"name": "user.two", "payload": null}, {"name": "other", "payload": 0}]');
      select opinionated_events.publish('user.three', '"3"');
      commit`);
    await until(() => expect(seen.length).toBe(3));
    expect(seen.map((message) => [message.name, message.payload])).toEqual([
      ["user.one", { id: 1 }],
      ["user.two", null],
      ["user.three", "3"],
    ]);
    expect(seen[0]).toMatchObject({ key: "k", headers: { h: "v" }, topic: "user" });
  });

  it("handles what is to be delivered later only then", async () => {
    const seen: unknown[] = [];
    const receiver = db.receiver().on("later", "job.run", ({ payload }) => seen.push(payload));
    await receiver.start();
    await sql(`
      select opinionated_events.publish('job.run', '"tomorrow"', deliver_at => now() + interval '1 day'),
        opinionated_events.publish('job.run', '"soon"', deliver_at => now() + interval '200 ms')`);
    await until(() => expect(seen).toEqual(["soon"]));
    await until(async () =>
      expect(
        await rows(
          db.pool,
          "select queue, scheduled, lag::int from opinionated_events.queue_state where queue = 'later'",
        ),
      ).toEqual([{ queue: "later", scheduled: "1", lag: 0 }]),
    );
  });
});
