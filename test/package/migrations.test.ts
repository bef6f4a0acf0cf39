import { expect, it } from "vitest";
import { migrations } from "../../src/postgres/migrations.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { lint } from "./migration-lint.js";

/** The last of those that find nobody at work: no version of the package was released before. */
const FIRST_RELEASE = 20;

it("no migration stalls those who are at work", () => {
  for (const { name, version, sql } of migrations(DEFAULT_SCHEMA))
    if (version > FIRST_RELEASE) expect(lint(sql), name).toEqual([]);
});

it("each has a number of its own", () => {
  const versions = migrations(DEFAULT_SCHEMA).map(({ version }) => version);
  expect(new Set(versions).size).toBe(versions.length);
});

it.each([
  "create table s.later (n int); create index later_n on s.later (n);",
  "alter table s.lease add column note text;",
  "alter table s.lease add column note text not null default 'none';",
  "alter table s.lease add constraint c check (seq > 0) not valid;",
  "create or replace function s.f() returns void language plpgsql as $$ begin delete from s.lease; end $$;",
  "-- drop it later\n-- compatible-from: 21\ndrop function s.f();",
])("lets pass: %s", (sql) => {
  expect(lint(sql)).toEqual([]);
});

it.each([
  ["create index message_name on s.message (name);", "indexes a table"],
  ["create index concurrently message_name on s.message (name);", "can't run in a transaction"],
  ["alter table s.message alter column key type text;", "rewrites"],
  ["alter table s.message\n  alter column key set not null;", "rewrites"],
  ["alter table s.message add check (key <> '');", "constraint"],
  ["alter table s.message add column at timestamptz default clock_timestamp();", "default"],
  ["update s.message set key = null;", "touches every row"],
  ["drop function s.f();", "contracts"],
  ["alter table s.lease drop column session;", "contracts"],
  ["alter function s.f() rename to g;", "contracts"],
])("refuses: %s", (sql, problem) => {
  expect(lint(sql).join()).toContain(problem);
});
