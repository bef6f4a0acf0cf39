import { expect } from "vitest";
import { rotate } from "../../src/postgres/retention.js";
import type { Engine } from "./engine.js";

/** Publishers go on to the next segment. */
export async function goOn(engine: Engine): Promise<void> {
  await engine.sql(
    "update opinionated_events.segment set opened_at = opened_at - interval '1 day' where closed_at is null",
  );
  const before = await current(engine);
  await rotate(engine.db);
  expect(await current(engine)).toBe((before + 1) % 8);
}

export async function current(engine: Engine): Promise<number> {
  const [row] = await engine.sql("select last_value & 7 from opinionated_events.current_segment");
  return Number(row?.[0]);
}
