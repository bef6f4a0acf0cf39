import { expect } from "vitest";
import { poll } from "../../../src/postgres/wake.js";
import { type Engine, QUEUE } from "../engine.js";

const MANY = 20_000;
const insertMany = `insert into opinionated_events.message (id, topic, name, payload)
  select gen_random_uuid(), 't', 't.unwanted', '{}' from generate_series(1, ${MANY})`;

/** Walked by one claim, and never again. */
export async function rolledBackRowsAreWalkedOnce(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  const session = await engine.session();
  await session.query("begin");
  await session.query(insertMany);
  await session.query("rollback");
  await expectWalkedOnce(engine);
}

export async function unwantedRowsAreWalkedOnce(engine: Engine): Promise<void> {
  await engine.subscribe("t.wanted");
  await engine.sql(insertMany);
  await expectWalkedOnce(engine);
}

/** A full batch ends a window of just as many rows; then a claim finds nothing. */
export async function anExhaustedWindowIsRemembered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  expect(await engine.claim(1)).toEqual(["t.1"]);
  expect(await hasNews(engine)).toBe(true);
  expect(await engine.claim(1)).toEqual([]);
  expect(await hasNews(engine)).toBe(false);
}

/** A poll only reads, so it must send a claim that remembers. */
async function expectWalkedOnce(engine: Engine): Promise<void> {
  expect(await hasNews(engine)).toBe(true);
  expect(await engine.claim()).toEqual([]);
  expect(await hasNews(engine)).toBe(false);
  const [row] = await engine.sql(
    `select opinionated_events.head() - max(head) from opinionated_events.batch where queue = $1`,
    [QUEUE],
  );
  expect(Number(row?.[0])).toBe(0);
}

async function hasNews(engine: Engine): Promise<boolean> {
  const { news } = await poll(engine.db, [{ queue: QUEUE, patterns: ["t.*"] }]);
  return news.length > 0;
}
