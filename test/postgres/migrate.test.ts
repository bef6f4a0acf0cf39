import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkSchema } from "../../src/postgres/check.js";
import { Database } from "../../src/postgres/database.js";
import { migrate, migrations } from "../../src/postgres/migrate.js";
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

  it("may be run by several at once: one applies everything, the others nothing", async () => {
    const applied = await Promise.all([
      migrate(db.pool),
      migrate(db.pool),
      migrate(db.pool),
      migrate(db.pool),
    ]);
    const all = migrations("opinionated_events").map(({ name }) => name);
    expect(applied.flat()).toEqual(all);
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

  it("applies nothing if one fails", async () => {
    await db.pool.query("create schema taken");
    await db.pool.query("create table taken.batch (n int)");
    await expect(migrate(db.pool, { schema: "taken" })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
    });
    expect(
      await rows(db.pool, "select tablename from pg_tables where schemaname = 'taken'"),
    ).toEqual([{ tablename: "batch" }]);
  });

  it("rebases a log that comes from another cluster", async () => {
    await migrate(db.pool, { schema: "restored" });
    await db.pool.query("update restored.cluster set system_identifier = 1");
    await expect(check("restored")).rejects.toMatchObject({ code: "CLUSTER_CHANGED" });
    await migrate(db.pool, { schema: "restored" });
    await expect(check("restored")).resolves.toBeUndefined();
    expect(await rows(db.pool, "select base from restored.epoch")).toHaveLength(1);
  });
});
