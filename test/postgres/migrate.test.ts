import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkSchema } from "../../src/postgres/check.js";
import { Database } from "../../src/postgres/database.js";
import { migrate } from "../../src/postgres/migrate.js";
import { migrations } from "../../src/postgres/migrations.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";
import { rows } from "./support.js";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

const check = (schema?: string) => checkSchema(new Database(db.pool, schema));

describe("migrate", () => {
  it("is asked for by a coded error where it is missing", async () => {
    await expect(check()).rejects.toMatchObject({
      code: "SCHEMA_MISSING",
      message: expect.stringContaining("migrate("),
    });
  });

  it("may be run by several at once: each migration is applied once", async () => {
    const applied = await Promise.all([
      migrate(db.pool),
      migrate(db.pool),
      migrate(db.pool),
      migrate(db.pool),
    ]);
    const all = migrations("opinionated_events").map(({ name }) => name);
    expect(applied.flat().sort()).toEqual(all);
    expect(await migrate(db.pool)).toEqual([]);
    await expect(check()).resolves.toBeUndefined();
  });

  it("serves several schemas of one database, none of which mentions another", async () => {
    await migrate(db.pool, { schema: "tenant_a" });
    await expect(check("tenant_a")).resolves.toBeUndefined();
    const foreign = await rows(
      db.pool,
      `select proname from pg_proc join pg_namespace n on n.oid = pronamespace
       where nspname = 'tenant_a' and prosrc like '%opinionated_events.%' and prosrc not like '%"tenant_a".%'`,
    );
    expect(foreign).toEqual([]);
  });

  it("refuses an old schema, a cached sequence, and a name that is no plain identifier", async () => {
    await migrate(db.pool, { schema: "old" });
    await db.pool.query("delete from old.migration where version > 1");
    await expect(check("old")).rejects.toMatchObject({ code: "SCHEMA_OUTDATED" });
    await migrate(db.pool, { schema: "cached" });
    await db.pool.query("alter sequence cached.position cache 10");
    await expect(check("cached")).rejects.toMatchObject({ code: "SEQUENCE_CACHED" });
    await expect(migrate(db.pool, { schema: 'a"; drop' })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
  });

  it("applies all of a migration or nothing", async () => {
    await db.pool.query("create schema taken");
    await db.pool.query("create table taken.batch (n int)");
    await expect(migrate(db.pool, { schema: "taken" })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
    });
    expect(
      await rows(
        db.pool,
        "select tablename from pg_tables where schemaname = 'taken' and tablename !~ '[0-9]' order by 1",
      ),
    ).toEqual([
      { tablename: "batch" },
      { tablename: "message" },
      { tablename: "migration" },
      { tablename: "segment" },
    ]);
  });

  it("rebases a log that comes from another cluster, once", async () => {
    await migrate(db.pool, { schema: "restored" });
    await db.pool.query("update restored.cluster set system_identifier = 1");
    await Promise.all([1, 2, 3].map(() => migrate(db.pool, { schema: "restored" })));
    expect(await rows(db.pool, "select restored.is_restored()")).toEqual([{ is_restored: false }]);
    expect(await rows(db.pool, "select base from restored.epoch")).toHaveLength(3);
  });
});
