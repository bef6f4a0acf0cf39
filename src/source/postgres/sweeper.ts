import type { Database } from "../../postgres/database.js";
import { dropCursors, sweep } from "../../postgres/takeover.js";
import { Loop } from "../loop.js";
import { forgetter } from "./forgetter.js";

const SWEEP_MS = 1_000;
/** How long a worker whose session is gone may live on: it renews each second, and may only be reconnecting. */
const GRACE_MS = 2_000;

/** Tidies up: takes over the work of processes that are gone and drops cursors, in the queues that this process reads; forgets dedup keys. */
export function sweeper(
  db: Database,
  queues: readonly string[],
  onTaken: () => void,
  onError: (error: unknown) => void,
): Loop {
  const forget = forgetter(db);
  return new Loop(async () => {
    const { taken, nextMs = SWEEP_MS } = await sweep(db, queues, GRACE_MS);
    if (taken > 0) onTaken();
    await dropCursors(db, queues);
    return Math.min(SWEEP_MS, Math.max(0, nextMs) + 20, await forget());
  }, onError);
}
