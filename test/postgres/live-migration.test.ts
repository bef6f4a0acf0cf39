import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { applyAll, migrate } from "../../src/postgres/migrate.js";
import { type Migration, migration, migrations } from "../../src/postgres/migrations.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";
import { NAME, publisherOn, publishing, receive } from "./restored.js";
import { rows, until } from "./support.js";

/** Far above what a migration may make a publisher wait, far below what a test may take. */
const PUBLISHERS_LOCK_TIMEOUT_MS = 2_000;

const all = migrations(DEFAULT_SCHEMA);
let db: TestDatabase;
/** Of the publishers. */
let pool: pg.Pool;
let closing: (() => unknown)[];
beforeEach(async () => {
  db = await testDatabase();
  const options = `-c lock_timeout=${PUBLISHERS_LOCK_TIMEOUT_MS}`;
  pool = new pg.Pool({ connectionString: db.url, options });
  pool.on("error", () => {});
  closing = [];
});
afterEach(async () => {
  for (const close of closing) await close();
  await pool.end();
  await db.drop();
});

async function apply(list: readonly Migration[]): Promise<void> {
  const client = await db.pool.connect();
  await applyAll(client, DEFAULT_SCHEMA, list, 0);
  client.release();
}

const countMessages = async () =>
  Number((await rows(db.pool, "select count(*) from opinionated_events.message"))[0].count);

/** Applies the oldest migrations until a publish works; resolves with how many it took. */
async function applyFirst(): Promise<number> {
  for (const [n, each] of all.entries()) {
    await apply([each]);
    const result = publisherOn(db.pool).publishOne(createMessage(NAME, "plain"));
    const works = await result.then(
      () => true,
      () => false,
    );
    if (works) return n + 1;
  }
  throw new Error("No version can be published to.");
}

/** A transaction that has published and stays open. */
async function holder(): Promise<pg.PoolClient> {
  const client = await db.pool.connect();
  closing.push(() => client.release(true));
  await client.query("begin; set application_name = 'the holder'");
  await publisherOn(client as never).publishOne(createMessage(NAME, "plain"));
  return client;
}

async function publishedMore(count: number): Promise<void> {
  const wanted = (await countMessages()) + count;
  await until(async () => expect(await countMessages()).toBeGreaterThan(wanted));
}

/** Somebody else than a publisher. */
const waiting = () =>
  rows(
    db.pool,
    "select from pg_locks l join pg_class c on c.oid = l.relation where not l.granted and relname like 'message%' and mode <> 'RowExclusiveLock'",
  );

describe("a migration under load", { timeout: 60_000 }, () => {
  it("fails no publish, also while it can't have its locks, from the first version to the last", async () => {
    const first = await applyFirst();
    const stop = publishing(pool);
    closing.push(stop);
    const open = await holder();
    const migrated = migrate(db.pool);
    await until(async () => expect(await waiting()).not.toEqual([]));
    await publishedMore(300);
    await open.query("commit");
    expect(await migrated).toEqual(all.slice(first).map(({ name }) => name));
    await publishedMore(50);
    const { errors, longestMs } = await stop();
    console.log(`The longest publish during migrations took ${Math.round(longestMs)} ms.`);
    expect(errors).toEqual([]);
  });

  it("gives up in the end, says who holds its locks, and is taken up where it stood", async () => {
    const first = await applyFirst();
    const stop = publishing(pool);
    closing.push(stop);
    const open = await holder();
    await expect(migrate(db.pool, { timeoutMs: 300 })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining("the holder"),
    });
    expect((await stop()).errors).toEqual([]);
    await open.query("rollback");
    const applied = await rows(db.pool, "select name from opinionated_events.migration order by 1");
    expect(applied.length).toBeGreaterThanOrEqual(first);
    expect(await migrate(db.pool)).toEqual(all.slice(applied.length).map(({ name }) => name));
  });
});

const expand = migration(
  "9998_expand.sql",
  "create table opinionated_events.later (n int);",
  DEFAULT_SCHEMA,
);
const contract = migration(
  "9999_contract.sql",
  "-- Needed by nobody any more.\n-- compatible-from: 9998\ndrop function opinionated_events.poll(json, bigint);",
  DEFAULT_SCHEMA,
);

describe("a schema that is newer than the package", { timeout: 60_000 }, () => {
  it("is used as it was, as long as that works", async () => {
    await migrate(db.pool);
    const running = await receive(db.pool);
    await apply([...all, expand]);
    const started = await receive(db.pool);
    await publisherOn(db.pool).publishOne(createMessage(NAME, "plain"));
    await until(() => expect([...running.ids, ...started.ids]).toHaveLength(1));
    expect([...running.errors, ...started.errors]).toEqual([]);
    await Promise.all([running.stop(), started.stop()]);
  });

  it("is refused at the start, and by who runs already, once it says that it can't be used", async () => {
    await migrate(db.pool);
    const running = await receive(db.pool);
    await apply([...all, expand, contract]);
    const tooNew = expect.objectContaining({
      code: "SCHEMA_TOO_NEW",
      message: expect.stringContaining("9998"),
    });
    await expect(receive(db.pool)).rejects.toEqual(tooNew);
    await until(() => expect(running.errors).toContainEqual(tooNew));
    await running.stop();
    expect(await migrate(db.pool)).toEqual([]);
  });
});
