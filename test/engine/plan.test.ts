import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "./engine.js";
import { type Scan, scansOf } from "./explain.js";

const BATCH = 100;

/** Messages whose ids ascend, so that loading them is quick. */
function load(count: number, first = 1): string {
  return `insert into opinionated_events.message (id, topic, name, payload)
    select lpad(to_hex(n), 32, '0')::uuid, 't', 't.x', '{}' from generate_series(${first}, ${first + count - 1}) n`;
}

const write = (segment: number) =>
  `select setval('opinionated_events.current_segment', ${segment})`;

/** Tables of which the planner knows nothing, something wrong, or all. */
const states = {
  empty: [],
  fresh: [load(20_000)],
  stale: [load(5), "analyze", load(200_000, 6)],
  huge: [load(1_000_000), "analyze"],
  "stale ring": [
    load(20_000),
    "analyze",
    write(1),
    load(100_000, 20_001),
    write(2),
    load(80_000, 120_001),
  ],
};

/** They share one load. Each reads with a queue of its own. */
describe.each(Object.entries(states))("%s", (_, statements) => {
  let engine: Engine;
  let session: pg.Client;

  beforeAll(async () => {
    engine = await Engine.create();
    session = await engine.session();
    const segments = Array.from({ length: 8 }, (_, n) => `message_${n}`);
    for (const table of [...segments, "batch", "lease", "delivery"]) {
      await engine.sql(`alter table opinionated_events.${table} set (autovacuum_enabled = false)`);
    }
    await subscribe("bulk", "infinity");
    await session.query("begin");
    for (const statement of statements) await session.query(statement);
    await engine.publish("t.late", session);
    await engine.publish("t.early");
    await engine.sql(claim("bulk"));
    await session.query("commit");
  }, 120_000);
  afterAll(() => engine.drop());

  const subscribe = (queue: string, startAt: string) =>
    engine.sql("select opinionated_events.subscribe($1, 't.*', $2, 't')", [queue, startAt]);
  const scans = (statement: string) => scansOf(session, /^message_/, statement);

  test("a claim of a late bulk transaction", async () => {
    expectQuick(await scans(claim("bulk")));
    expectEachQuick(await scans(claim("bulk")));
  });

  test("a claim of new rows", async () => {
    await subscribe("new", "-infinity");
    expectQuick(await scans(claim("new")));
    expectEachQuick(await scans(claim("new")));
  });

  test("a claim of few among many that are not wanted", async () => {
    await engine.sql("select opinionated_events.subscribe('few', 't.late', '-infinity', 't')");
    expectQuick(await scans(claim("few")));
  });

  test("a claim of late rows among new ones", async () => {
    await subscribe("late", "infinity");
    await session.query("begin");
    await engine.publish("t.late", session);
    await engine.publish("t.early");
    await engine.sql(claim("late"));
    await engine.publish("t.new");
    await session.query("commit");
    expectQuick(await scans(claim("late")));
  });

  test("a poll", async () => {
    await engine.sql("select opinionated_events.subscribe('poll', '*')");
    await engine.publish("t.new");
    const handled = JSON.stringify([{ queue: "poll", patterns: ["*"] }]);
    expectQuick(await scans(`select opinionated_events.poll('${handled}')`));
    expectQuick(await scans(`select opinionated_events.poll('${handled}')`));
  });

  test("settling and taking over", async () => {
    await subscribe("settle", "-infinity");
    const [lease, first, ...rest] = await engine.sql(claim("settle"));
    const [seq, token] = lease ?? [];
    const position = first?.[2];
    const batch = { n: 0, queue: "settle", topic: "t", seq, token, done: [position] };
    const leftover = { n: 0, position, state: "waiting", attempt: 0 };
    const settle = `settle_batches('[${JSON.stringify(batch)}]', '[${JSON.stringify(leftover)}]', 0)`;
    expectQuick(await scans(`select opinionated_events.${settle}`));
    expectQuick(await scans("select opinionated_events.sweep('{settle}', 0)"));
    expect(await engine.deliveries()).toHaveLength(1 + rest.length);
  });
});

function claim(queue: string): string {
  return `select * from opinionated_events.claim('${queue}', 't', ${BATCH}, null, 60000)`;
}

/** By the two indexes that lead with the topic, straight into a LIMIT (an EXISTS is a Result or a SubPlan), and few rows. */
function expectQuick(found: readonly Scan[]): void {
  expect(found).not.toEqual([]);
  expectEachQuick(found);
}

/** None, if nothing was left to be read. */
function expectEachQuick(found: readonly Scan[]): void {
  for (const { node, parent } of found) {
    expect(node["Index Name"] ?? node["Node Type"]).toMatch(
      /^message_\d_topic_(xid_position|position_hashtext)_idx$/,
    );
    expect(["Limit", "Result", "SubPlan"]).toContain(parent?.["Node Type"]);
    const { "Actual Rows": rows = 0, "Actual Loops": loops = 0 } = node;
    expect(rows * loops).toBeLessThanOrEqual(BATCH);
    expect(node["Rows Removed by Filter"] ?? 0).toBeLessThanOrEqual(1);
  }
}
