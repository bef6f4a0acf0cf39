import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "./engine.js";
import { type Scan, scansOf } from "./explain.js";

const TOPICS = 200;
/** A topic may be in one, or in some. */
const SEGMENTS = 3;
const HANDLED = JSON.stringify([{ queue: "all", patterns: ["*"] }]);
const poll = `select opinionated_events.poll('${HANDLED}')`;

let engine: Engine;
let session: pg.Client;

beforeAll(async () => {
  engine = await Engine.create();
  session = await engine.session();
  await engine.sql("select opinionated_events.subscribe('all', '*')");
  for (let segment = 0; segment < SEGMENTS; segment += 1) {
    await engine.sql("select setval('opinionated_events.current_segment', $1)", [segment]);
    await engine.sql(`insert into opinionated_events.message (id, topic, name, payload)
      select gen_random_uuid(), 't' || n, 't' || n || '.x', '{}' from generate_series(1, ${TOPICS}) n
      where n % ${SEGMENTS} >= ${segment}`);
  }
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

test("topics of all segments are met", async () => {
  const [[met]] = (await engine.sql(
    "select count(*) from opinionated_events.queue_topic where topic <> '*'",
  )) as [[string]];
  expect(Number(met)).toBe(TOPICS);
});
