import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "./engine.js";
import { type Scan, scansOf } from "./explain.js";

const TOPICS = 200;
const HANDLED = JSON.stringify([{ queue: "all", patterns: ["*"] }]);
const poll = `select opinionated_events.poll('${HANDLED}')`;

let engine: Engine;
let session: pg.Client;

beforeAll(async () => {
  engine = await Engine.create();
  session = await engine.session();
  await engine.sql("select opinionated_events.subscribe('all', '*')");
  await engine.sql(`insert into opinionated_events.message (id, topic, name, payload)
    select gen_random_uuid(), 't' || n, 't' || n || '.x', '{}' from generate_series(1, ${TOPICS}) n`);
  await engine.sql(poll);
});
afterAll(() => engine.drop());

const rows = (scans: readonly Scan[]) =>
  scans
    .map(({ node }) => (node["Actual Rows"] ?? 0) * (node["Actual Loops"] ?? 0))
    .reduce((sum, each) => sum + each, 0);

test("a poll looks at each topic that is met once or twice, not at all of them for each", async () => {
  const visited = rows(await scansOf(session, /^queue_topic$/, poll));
  expect(visited).toBeGreaterThanOrEqual(TOPICS);
  expect(visited).toBeLessThanOrEqual(10 * TOPICS);
});

test("a sweep looks at no idle topic by itself", async () => {
  const sweep = "select opinionated_events.sweep('{all}', 0)";
  const scans = await scansOf(session, /^(batch|lease)$/, sweep);
  expect(scans.length).toBeGreaterThanOrEqual(2);
  for (const { node } of scans) expect(node["Actual Loops"]).toBe(1);
});
