import type { Leftover } from "../../src/postgres/batch.js";
import type { Random } from "./random.js";

const REASON = { code: "SIMULATED", message: "as planned" };

/** How an attempt ends: undefined if it is done. */
export function randomOutcome(random: Random, attempt: number): Leftover | undefined {
  if (random.chance(0.88)) return undefined;
  return random.pick<Leftover>([
    { state: "retrying", attempt, afterMs: random.below(50), reason: REASON },
    { state: "waiting", attempt: attempt - 1 },
    { state: "parked", attempt: attempt - 1 },
    { state: "dead", attempt, reason: REASON },
  ]);
}
