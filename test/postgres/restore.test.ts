import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type OwnPostgresServer, startBinaries } from "../../scripts/postgres-binaries.js";
import { createMessage } from "../../src/message/create-message.js";
import { claimBatch } from "../../src/postgres/batch.js";
import { Database } from "../../src/postgres/database.js";
import { migrate } from "../../src/postgres/migrate.js";
import { subscribe } from "../../src/postgres/subscription.js";
import { poll } from "../../src/postgres/wake.js";
import { dumpAndRestore, findClients } from "../support/pg-dump.js";
import type { TestDatabase } from "../support/postgres.js";
import { addressOf, startProxy } from "../support/proxy.js";
import {
  burnIds,
  idsIn,
  NAME,
  newDatabase,
  openIn,
  publisherOn,
  publishing,
  receive,
  type Seen,
  saidInHand,
} from "./restored.js";
import { idOf, rows, until } from "./support.js";

const clients = await findClients();
const plain = (count: number) => Array.from({ length: count }, () => createMessage(NAME, "plain"));
const SUBSCRIPTION = { queue: "q", pattern: NAME, topic: "job" };
const CLAIMANT = { session: null, leaseMs: 60_000 };

let old: OwnPostgresServer;
let other: OwnPostgresServer;
beforeAll(async () => {
  if (!clients) return;
  [old, other] = await Promise.all([startBinaries(clients), startBinaries(clients)]);
  await burnIds(old, 5_000);
}, 60_000);
afterAll(() => Promise.all([old, other].map((server) => server?.stop())));

let closing: (() => Promise<unknown>)[];
beforeEach(() => {
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

async function database(server: OwnPostgresServer, template?: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const created = await newDatabase(server, name, template);
  closing.push(created.drop);
  return created;
}

async function migrated(server: OwnPostgresServer): Promise<TestDatabase> {
  const created = await database(server);
  await migrate(created.pool);
  return created;
}

/** A copy of a database by dump and restore. */
async function restoredOn(server: OwnPostgresServer, { url }: TestDatabase): Promise<TestDatabase> {
  const restored = await database(server);
  await dumpAndRestore(clients as string, url, restored.url);
  return restored;
}

async function receiver(pool: pg.Pool, options?: { hangs: boolean }): Promise<Seen> {
  const seen = await receive(pool, options);
  closing.push(seen.stop);
  return seen;
}

/** So far that a claim remembers what it has walked, also if that is nothing. */
const moveFar = (pool: pg.Pool) =>
  rows(pool, "select setval('opinionated_events.position', 20000)");

async function expectAllHandled(pool: pg.Pool, ...by: Seen[]): Promise<void> {
  await until(async () => {
    const seen = new Set(by.flatMap(({ ids }) => ids));
    expect((await idsIn(pool)).filter((id) => !seen.has(id))).toEqual([]);
    expect(await openIn(pool)).toEqual([]);
  });
}

const patience = { timeout: 60_000 };

describe.skipIf(!clients)("a log that is restored in another cluster", patience, () => {
  it("is rebased by the first receiver: nothing is lost, and what was in hand is said", async () => {
    const from = await migrated(old);
    const before = await receiver(from.pool, { hangs: true });
    const stop = publishing(from.pool);
    await until(() => expect(before.ids.length).toBeGreaterThan(300));
    const finished = [...before.ids];
    const { pool } = await restoredOn(other, from);
    expect((await stop()).errors).toEqual([]);

    // Before it is rebased.
    const early = plain(3);
    await publisherOn(pool).publishMany(early);
    const after = await receiver(pool);
    const second = await receiver(pool);
    const [batches = 0, messages = 0] = saidInHand(after);
    expect(batches).toBeGreaterThan(0);
    expect(second.errors).toEqual([]);

    await expectAllHandled(pool, before, after, second);
    const again = [...after.ids, ...second.ids];
    expect(again).toEqual(expect.arrayContaining(early.map(idOf)));
    expect(new Set(again).size).toBe(again.length);
    expect(again.filter((id) => finished.includes(id)).length).toBeLessThanOrEqual(messages);
  });

  it("takes over at once what was in hand, of batches and deliveries, and blames nobody twice", async () => {
    const from = await migrated(old);
    const before = await receiver(from.pool, { hangs: true });
    const messages = [
      createMessage(NAME, "slow"),
      createMessage(NAME, "fail"),
      createMessage(NAME, "slow"),
    ];
    await publisherOn(from.pool).publishMany(messages);
    const claimed = "select from opinionated_events.delivery where token is not null";
    await until(async () => expect(await rows(from.pool, claimed)).toHaveLength(1));
    const { pool } = await restoredOn(other, from);
    await before.stop();

    const after = await receiver(pool);
    expect(saidInHand(after)).toEqual([1, 3]);
    await until(() => expect([...after.ids].sort()).toEqual(messages.map(idOf).sort()));
    await until(async () => expect(await openIn(pool)).toEqual([]));
  });

  it("moves no cursor before: claims, polls and subscriptions are refused", async () => {
    const from = await migrated(old);
    await subscribe(new Database(from.pool), SUBSCRIPTION);
    await publisherOn(from.pool).publishMany(plain(1));
    const { pool } = await restoredOn(other, from);
    const db = new Database(pool);
    const refused = { code: "CLUSTER_CHANGED" };
    await moveFar(pool);
    await expect(claimBatch(db, "q", "job", 10, CLAIMANT)).rejects.toMatchObject(refused);
    await expect(poll(db, [{ queue: "q", patterns: [NAME] }])).rejects.toMatchObject(refused);
    await expect(subscribe(db, { ...SUBSCRIPTION, queue: "r" })).rejects.toMatchObject(refused);
  });

  it("can't be rebased under an open transaction, which the refusal says", async () => {
    const from = await migrated(old);
    const { pool } = await restoredOn(other, from);
    const client = await pool.connect();
    await client.query("begin");
    await client.query("lock table opinionated_events.message in row exclusive mode");
    await expect(receive(pool)).rejects.toMatchObject({
      code: "CLUSTER_CHANGED",
      message: expect.stringContaining("lock timeout"),
    });
    await client.query("rollback");
    client.release();
    await receiver(pool);
  });

  it("under a running receiver: it rebases, and goes on", async () => {
    const from = await migrated(old);
    const proxy = await startProxy(addressOf(old.url));
    closing.push(() => proxy.close());
    const url = new URL(from.url);
    url.port = String(proxy.port);
    const name = url.pathname.slice(1);
    const to = await newDatabase(other, name);
    closing.push(to.drop);
    const pool = new pg.Pool({ connectionString: url.href });
    pool.on("error", () => {});
    closing.push(() => pool.end());

    const seen = await receiver(pool);
    await publisherOn(pool).publishMany(plain(5));
    await until(() => expect(seen.ids).toHaveLength(5));
    await until(async () => {
      const { rows } = await from.pool.query("select from opinionated_events.lease");
      expect(rows).toEqual([]);
    });
    proxy.refuse();
    await publisherOn(from.pool).publishMany(plain(5));
    await dumpAndRestore(clients as string, from.url, to.url);
    await publisherOn(to.pool).publishMany(plain(5));
    proxy.lead(addressOf(other.url));
    proxy.up();
    await expectAllHandled(to.pool, seen);
    await until(() => expect(saidInHand(seen)).toEqual([0, 0]));
  });

  it("back into the cluster that it came from, twice in the end", async () => {
    const first = await migrated(old);
    await subscribe(new Database(first.pool), SUBSCRIPTION);
    await publisherOn(first.pool).publishMany(plain(3));
    const second = await restoredOn(other, first);
    await migrate(second.pool);
    await publisherOn(second.pool).publishMany(plain(3));
    const third = await restoredOn(old, second);
    await publisherOn(third.pool).publishMany(plain(3));
    const seen = await receiver(third.pool);
    await expectAllHandled(third.pool, seen);
    expect(seen.ids).toHaveLength(9);
  });

  it("has its sequences, or is given them: no position is drawn twice", async () => {
    const from = await migrated(old);
    const before = await receiver(from.pool);
    await publisherOn(from.pool).publishMany(plain(20));
    await expectAllHandled(from.pool, before);
    const { pool } = await restoredOn(other, from);
    await pool.query("select setval('opinionated_events.position', 1, false)");
    const seen = await receiver(pool);
    await publisherOn(pool).publishMany(plain(5));
    await expectAllHandled(pool, before, seen);
    expect(seen.ids).toHaveLength(5);
  });
});

describe.skipIf(!clients)("a log that is copied within its cluster", patience, () => {
  it.each([
    ["as a template", (from: TestDatabase) => database(old, new URL(from.url).pathname.slice(1))],
    ["by dump and restore", (from: TestDatabase) => restoredOn(old, from)],
  ])("%s goes on as it is", async (_, copy) => {
    const from = await migrated(old);
    const before = await receive(from.pool);
    await publisherOn(from.pool).publishMany(plain(5));
    await expectAllHandled(from.pool, before);
    await before.stop();
    await publisherOn(from.pool).publishMany(plain(5));
    // Nobody may be connected to a template.
    await rows(from.pool, "select");
    const { pool } = await copy(await left(from));
    await publisherOn(pool).publishMany(plain(5));
    const seen = await receiver(pool);
    await expectAllHandled(pool, before, seen);
    expect(seen.ids).toHaveLength(10);
    expect(seen.errors).toEqual([]);
  });
});

/** Its pool's idle connections are closed. */
async function left(from: TestDatabase): Promise<TestDatabase> {
  const admin = new pg.Client({ connectionString: old.url });
  await admin.connect();
  const name = new URL(from.url).pathname.slice(1);
  await admin.query(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
    [name],
  );
  await admin.end();
  return from;
}

describe.skipIf(!clients)("a log from a copy of its cluster", patience, () => {
  it.each([
    ["by its cursors", true],
    ["by its messages", false],
  ])(
    "that had gone on is known %s, and rebased, though the identifier is the same",
    async (_, claims) => {
      const from = await migrated(old);
      await subscribe(new Database(from.pool), SUBSCRIPTION);
      const behind = await old.copy();
      try {
        await burnIds(old, 2_000);
        await publisherOn(from.pool).publishMany(plain(5));
        if (claims) await claimBatch(new Database(from.pool), "q", "job", 10, CLAIMANT);
        const { pool } = await restoredOn(behind, from);
        const db = new Database(pool);
        const foreign = await rows(pool, "select opinionated_events.is_foreign()");
        expect(foreign).toEqual([{ is_foreign: false }]);
        if (claims) {
          const refused = { code: "CLUSTER_CHANGED" };
          const handled = [{ queue: "q", patterns: [NAME] }];
          await expect(poll(db, handled)).rejects.toMatchObject(refused);
          await moveFar(pool);
          await expect(claimBatch(db, "q", "job", 10, CLAIMANT)).rejects.toMatchObject(refused);
        }
        const seen = await receiver(pool);
        await expectAllHandled(pool, seen);
        expect(seen.ids).toHaveLength(5);
      } finally {
        for (const close of closing.reverse()) await close();
        closing = [];
        await behind.stop();
      }
    },
  );
});
