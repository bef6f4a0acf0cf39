import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../engine/engine.js";
import { scansOf } from "../engine/explain.js";

/** So many rows a scan may read, where the tables hold many more. */
const FEW = 10;
const MESSAGES = 200_000;

let engine: Engine;
let session: pg.Client;

beforeAll(async () => {
  engine = await Engine.create();
  session = await engine.session();
  const segments = Array.from({ length: 8 }, (_, n) => `message_${n}`);
  for (const table of [...segments, "batch", "lease", "delivery"])
    await engine.sql(`alter table opinionated_events.${table} set (autovacuum_enabled = false)`);
  await engine.sql("select opinionated_events.subscribe('q', 't.*', '-infinity', 't')");
  await engine.sql(load(5, 1));
  await engine.sql("analyze");
  await engine.sql(load(MESSAGES, 6));
  for (let n = 0; n < 20; n += 1)
    await engine.sql("select * from opinionated_events.claim('q', 't', 500, null, 60000)");
  await engine.sql(`insert into opinionated_events.delivery
    (queue, topic, position, name, id, payload, published_at, state, due_at, attempt)
    select 'q', 't', m.position, 't.x', m.id, '{}', now(), 'dead', 'infinity', 1
    from opinionated_events.message m where m.position between 20001 and 70000`);
}, 120_000);
afterAll(() => engine.drop());

function load(count: number, first: number): string {
  return `insert into opinionated_events.message (id, topic, name, payload)
    select ${idOf("n")}, 't', 't.x', '{}' from generate_series(${first}, ${first + count - 1}) n`;
}

/** A table, or its partitions. */
function named(table: string): RegExp {
  return new RegExp(`^${table}(_\\d)?$`);
}

function idOf(n: string): string {
  return `lpad(to_hex(${n}), 32, '0')::uuid`;
}

/** What is not yet read, under a lease, dead, done, and not there. */
test.each([150_000, 5_000, 30_000, 15_000, 500_000])("looks message %i up", async (n) => {
  for (const table of ["message", "delivery", "batch", "lease", "inbox", "move"]) {
    const isScanAllowed = table === "delivery" && n > MESSAGES + 5;
    const scans = await scansOf(
      session,
      named(table),
      `select * from opinionated_events.inspect(${idOf(String(n))})`,
    );
    for (const { node } of isScanAllowed ? [] : scans) {
      const { "Actual Rows": rows = 0, "Actual Loops": loops = 0 } = node;
      expect([table, node["Node Type"]]).toEqual([table, expect.stringContaining("Index")]);
      // One row a lease, of which there are 20.
      expect(rows * loops).toBeLessThanOrEqual(table === "lease" || table === "batch" ? 20 : FEW);
      expect(node["Rows Removed by Filter"] ?? 0).toBeLessThanOrEqual(20);
    }
  }
});

/** A step reads its stretch once, and once more for its end. */
test("a step of a replay reads its stretch alone", async () => {
  const step =
    "select * from opinionated_events.replay('q', 't', 100000, 200005, null, null, null, null, 500)";
  for (const { node } of await scansOf(session, named("message"), step)) {
    expect(node["Node Type"]).toContain("Index");
    expect((node["Actual Rows"] ?? 0) * (node["Actual Loops"] ?? 0)).toBeLessThanOrEqual(10_000);
  }
});

/** But those of a summary that are not later than it. */
test("a time is found without a look at what is older", async () => {
  await engine.sql(
    "select brin_summarize_new_values('opinionated_events.message_0_published_at_idx')",
  );
  await engine.sql("select pg_sleep(0.01)");
  const [row] = await engine.sql("select clock_timestamp()::text");
  await engine.sql(load(100, MESSAGES + 6));
  const scans = await scansOf(
    session,
    named("message"),
    `select opinionated_events.before_time('t', '${row?.[0]}')`,
  );
  expect(scans).not.toEqual([]);
  for (const { node } of scans) {
    expect(node["Node Type"]).toBe("Bitmap Heap Scan");
    expect(node["Rows Removed by Index Recheck"] ?? 0).toBeLessThan(MESSAGES / 10);
  }
});
