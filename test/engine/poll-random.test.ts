import type pg from "pg";
import { expect, test } from "vitest";
import { rotate } from "../../src/postgres/retention.js";
import { poll } from "../../src/postgres/wake.js";
import { Random } from "../simulator/random.js";
import { Engine, QUEUE } from "./engine.js";

const STEPS = 250;
const TOPICS = ["t", "u", "v"] as const;
const PATTERNS = ["t.a", "t.b", "u.*"] as const;
const SUFFIXES = ["a", "b", "c"] as const;
const WRITERS = 3;

type Writer = { readonly session: pg.Client; isOpen: boolean };

/** What a claim would lease, without leasing it. */
async function claimable(session: pg.Client, topic: string): Promise<number> {
  await session.query("begin");
  const claim = "select seq from opinionated_events.claim($1, $2, 1, null, 60000)";
  const { rowCount } = await session.query(claim, [QUEUE, topic]);
  await session.query("rollback");
  return rowCount ?? 0;
}

async function write(engine: Engine, random: Random, writer: Writer): Promise<void> {
  if (!writer.isOpen) {
    await writer.session.query("begin");
    if (random.chance(0.5)) await writer.session.query("select pg_current_xact_id()");
    writer.isOpen = true;
  } else if (random.chance(0.6)) {
    await engine.publish(`${random.pick(TOPICS)}.${random.pick(SUFFIXES)}`, writer.session);
  } else {
    await writer.session.query(random.chance(0.8) ? "commit" : "rollback");
    writer.isOpen = false;
  }
}

async function goOn(engine: Engine): Promise<void> {
  await engine.sql(
    "update opinionated_events.segment set opened_at = opened_at - interval '1 day' where closed_at is null",
  );
  await rotate(engine.db);
}

test.each([1, 2, 3])("a poll finds all that a claim would, seed %i", async (seed) => {
  const random = new Random(seed);
  const engine = await Engine.create();
  try {
    const claimer = await engine.session();
    const writers: Writer[] = [];
    for (let n = 0; n < WRITERS; n += 1)
      writers.push({ session: await engine.session(), isOpen: false });
    for (const pattern of PATTERNS) await engine.subscribe(pattern, pattern.slice(0, 1));
    let found = 0;
    for (let step = 0; step < STEPS; step += 1) {
      if (random.chance(0.75)) await write(engine, random, random.pick(writers as [Writer]));
      else if (random.chance(0.9)) await engine.claim(1 + random.below(3), random.pick(["t", "u"]));
      else await goOn(engine);
      const { news } = await poll(engine.db, [{ queue: QUEUE, patterns: ["*"] }]);
      for (const topic of ["t", "u"]) {
        if ((await claimable(claimer, topic)) === 0) continue;
        found += 1;
        expect(news.map((each) => each.topic)).toContain(topic);
      }
    }
    expect(found).toBeGreaterThan(STEPS / 10);
  } finally {
    await engine.drop();
  }
});
