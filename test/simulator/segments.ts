import { keepHouse } from "../../src/postgres/housekeeping.js";
import { append } from "../../src/postgres/log.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { sleep } from "./random.js";
import type { World } from "./world.js";

const RETIRE_PAUSE_MS = 120;
const REPEAT_PAUSE_MS = 10;

/** Goes on to the next segment again and again: until the ring is full, or for ever, since what nobody needs is forgotten at once. */
export async function turnOften(world: World, pauseMs: number): Promise<void> {
  while (world.phase !== "done") {
    await sleep(pauseMs);
    await world.pool.query(
      "update opinionated_events.segment set opened_at = opened_at - interval '1 day' where closed_at is null",
    );
    const kept = await world.attempt(() => keepHouse(world.db));
    world.count("segments retired", kept?.retired);
  }
}

/** Nothing is kept for its time's sake. */
export async function forgetOften(world: World): Promise<void> {
  await world.pool.query("update opinionated_events.retention set keep = '0'");
  await turnOften(world, RETIRE_PAUSE_MS);
}

/** Publishes what was committed before once more: a duplicate, in whatever segment it is. */
export async function repeatOften(world: World): Promise<void> {
  const random = world.random.fork();
  while (world.phase === "publishing") {
    await sleep(random.below(REPEAT_PAUSE_MS));
    const committed = world.published.committed();
    if (committed.length === 0) continue;
    const { message } = committed[random.below(committed.length)] as (typeof committed)[number];
    const stored = await append(world.pool, DEFAULT_SCHEMA, [message]);
    world.count("ids published again");
    world.count("ids stored again", stored.size);
  }
}
