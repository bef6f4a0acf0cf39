import type { Database } from "../../postgres/database.js";
import { dropCursors, sweep } from "../../postgres/takeover.js";
import { Loop } from "./loop.js";

const SWEEP_MS = 1_000;
/** How long a worker whose session is gone may live on: it renews each second, and may only be reconnecting. */
const GRACE_MS = 2_000;

/** Tidies up the queues that this process reads: takes over the work of processes that are gone, drops cursors. */
export function sweeper(
  db: Database,
  queues: readonly string[],
  onTaken: () => void,
  onError: (error: unknown) => void,
): Loop {
  return new Loop(async () => {
    const { taken, nextMs } = await sweep(db, queues, GRACE_MS);
    if (taken > 0) onTaken();
    await dropCursors(db, queues);
    return Math.min(SWEEP_MS, nextMs === undefined ? SWEEP_MS : Math.max(0, nextMs) + 20);
  }, onError);
}
