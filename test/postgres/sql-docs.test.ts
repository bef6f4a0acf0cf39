import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage } from "../../src/message/create-message.js";
import { unsubscribe } from "../../src/postgres/subscription.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { fatal } from "../../src/receiver/failure.js";
import { notifyTrigger } from "../../src/source/postgres/trigger.js";
import { type Engine, engine, rows, until } from "./support.js";

const ROLES = ["shop_service", "shop_worker", "shop_monitor", "shop"] as const;
type Role = (typeof ROLES)[number];

let db: Engine;
/** Roles belong to the whole server, so they get names of this run's own. */
let roleOf: (role: Role) => string;
const notices: unknown[] = [];
const pools: pg.Pool[] = [];

beforeAll(async () => {
  db = await engine();
  const [{ database }] = await rows(db.pool, "select current_database() as database");
  roleOf = (role) => `${database}_${role}`;
  for (const role of ROLES) await rows(db.pool, `create role ${roleOf(role)}`);
  const client = await db.pool.connect();
  client.on("notice", ({ message }) => notices.push(message));
  for (const block of await blocks()) await client.query(block);
  client.release(true);
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  const { url } = db;
  const admin = new pg.Client({
    connectionString: Object.assign(new URL(url), { pathname: "postgres" }).href,
  });
  await db.close();
  await admin.connect();
  for (const role of ROLES) await admin.query(`drop role ${roleOf(role)}`);
  await admin.end();
});

/** The statements of the page, each block as it would be pasted. */
async function blocks(): Promise<string[]> {
  const page = await readFile("docs/sql.md", "utf8");
  const found = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, block]) => block ?? "");
  return found.map((block) => block.replace(/\bshop(_\w+)?\b/g, (role) => roleOf(role as Role)));
}

const settings = (role: Role) => ({
  connectionString: db.url,
  options: `-c role=${roleOf(role)}`,
});

function poolOf(role: Role): pg.Pool {
  const pool = new pg.Pool(settings(role));
  pool.on("error", () => {});
  pools.push(pool);
  return pool;
}

describe("docs/sql.md", () => {
  it("publishes what it says", async () => {
    const published = await rows(
      db.pool,
      "select name, count(*)::int from opinionated_events.message group by name order by min(position)",
    );
    expect(Object.fromEntries(published.map(({ name, count }) => [name, count]))).toEqual({
      "user.imported": 1,
      "user.created": 6,
      "user.reminded": 1,
      "report.due": 1,
      "report.asked": 1,
      "account.closed": 1,
      "user.changed": 4,
      "user.settled": 1,
    });
    const settled = "select payload ->> 'email' as email from opinionated_events.message";
    expect(await rows(db.pool, `${settled} where name = 'user.settled'`)).toEqual([
      { email: "turing@example.com" },
    ]);
    expect(notices).toEqual(["INVALID_NAME"]);
  });

  it("describes every column of the views", async () => {
    const page = await readFile("docs/sql.md", "utf8");
    const section = page.slice(page.indexOf("## Watching"), page.indexOf("## Roles"));
    const columns = await rows(
      db.pool,
      `select c.relname || '.' || attname as column, attname from pg_attribute join pg_class c on c.oid = attrelid
       where relkind = 'v' and relnamespace = 'opinionated_events'::regnamespace and attnum > 0`,
    );
    expect(columns.length).toBeGreaterThan(30);
    const missing = columns.filter(({ attname }) => !section.includes(`\`${attname}\``));
    expect(missing).toEqual([]);
  });
});

describe("a role with the grants of docs/sql.md", () => {
  const denied = { code: "42501" };

  it("publishes in SQL, and can do nothing else", async () => {
    const pool = poolOf("shop");
    const { rows: results } = await pool.query(
      `select status from opinionated_events.publish('shop.opened', '{}')
       union all select status from opinionated_events.publish_many('[{"name": "shop.opened", "payload": 1}]')`,
    );
    expect(results).toEqual([{ status: "stored" }, { status: "stored" }]);
    for (const statement of [
      "select * from opinionated_events.message",
      "insert into opinionated_events.message (id, name, topic, payload) values (gen_random_uuid(), 'a', 'a', '1')",
      "select opinionated_events.append('a', null, null, '1', null, null, null, null, false, '', null)",
      "select * from opinionated_events.queue_state",
      "select * from opinionated_events.unwanted()",
    ])
      await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
  });

  it("can't have the owner run a conversion of its own", async () => {
    const pool = poolOf("shop");
    await rows(db.pool, `create schema mine authorization ${roleOf("shop")}`);
    await pool.query("create type mine.payload as (x int)");
    await pool.query(
      `create function mine.convert(mine.payload) returns text language plpgsql as $$
       begin return (select json_agg(name)::text from opinionated_events.message); end $$`,
    );
    await pool.query("create cast (mine.payload as text) with function mine.convert(mine.payload)");
    const attack = pool.query("select opinionated_events.publish('a', row(1)::mine.payload)");
    await expect(attack).rejects.toMatchObject({ code: "22023", detail: "INVALID_PAYLOAD" });
  });

  it("publishes in TypeScript", async () => {
    const destination = postgresDestination({ pool: poolOf("shop_service") });
    const publisher = new Publisher({ bridge: syncBridge([destination]) });
    const message = createMessage("shop.served", 1);
    const results = [
      await publisher.publishOne(message),
      ...(await publisher.publishMany([message, createMessage("shop.served", 2)])),
    ];
    expect(results.map(({ status }) => status)).toEqual(["stored", "duplicate", "stored"]);
    const guarded = [1, 2].map((n) => {
      const options = { key: "k", dedupKey: "k", orderedByKey: true };
      return createMessage("shop.guarded", n, options);
    });
    const guardedResults = await publisher.publishMany(guarded);
    expect(guardedResults.map(({ status }) => status)).toEqual(["stored", "duplicate"]);
    const reading = poolOf("shop_service").query("select payload from opinionated_events.message");
    await expect(reading).rejects.toMatchObject(denied);
  });

  it("receives, and unsubscribes", async () => {
    const pool = poolOf("shop_worker");
    const errors: unknown[] = [];
    const seen: unknown[] = [];
    const triggers = [notifyTrigger(settings("shop_worker"))];
    const receiver = db.receiver({ pool, triggers }, (error) => errors.push(error));
    receiver.on("work", "job.*", ({ payload, attempt }) => {
      if (payload === "bad") throw fatal(new Error("never"));
      if (attempt === 1) throw new Error("again");
      seen.push(payload);
    });
    await receiver.start();
    await poolOf("shop").query(
      `select opinionated_events.publish('job.a', '"good"'), opinionated_events.publish('job.b', '"bad"')`,
    );
    await until(() => expect(seen).toEqual(["good"]));
    await until(async () =>
      expect(await rows(db.pool, "select name from opinionated_events.dead_letter")).toEqual([
        { name: "job.b" },
      ]),
    );
    await receiver.stop();
    expect(errors.map(String)).toEqual(["Error: again", expect.stringContaining("never")]);
    expect(await unsubscribe(pool, "work", "job.*")).toBe(true);
  });

  it("watches, and sees no payload", async () => {
    await rows(db.pool, "select opinionated_events.subscribe('watched', 'shop.closed')");
    await rows(db.pool, "select opinionated_events.publish('shop.closed', '1')");
    const pool = poolOf("shop_monitor");
    const { rows: found } = await pool.query(
      "select pattern, lag from opinionated_events.queue_state join opinionated_events.subscriptions using (queue, topic) where queue = 'watched'",
    );
    expect(found).toEqual([{ pattern: "shop.closed", lag: "1" }]);
    await pool.query("select * from opinionated_events.unwanted()");
    for (const statement of [
      "select * from opinionated_events.message",
      "select * from opinionated_events.dead_letter",
      "select opinionated_events.publish('a', '1')",
      "select opinionated_events.publish_many('[]')",
      "select opinionated_events.unsubscribe('watched', 'shop.closed')",
    ])
      await expect(pool.query(statement), statement).rejects.toMatchObject(denied);
  });
});
