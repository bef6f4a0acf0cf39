import type { Database } from "../../postgres/database.js";
import { forgetDedupKeys } from "../../postgres/dedup.js";

const BITE = 5_000;
const PAUSE_MS = 1_000;

/** Deletes dedup keys whose window is over, when it is time to. Resolves with the milliseconds until it is again. */
export function forgetter(db: Database): () => Promise<number> {
  let nextAt = 0;
  return async () => {
    const startedAt = performance.now();
    if (startedAt < nextAt) return nextAt - startedAt;
    const forgotten = await forgetDedupKeys(db, BITE);
    const tookMs = performance.now() - startedAt;
    // With an old snapshot about, each look walks past what was deleted before: it gets a twentieth of the time.
    nextAt = startedAt + tookMs + (forgotten < BITE ? Math.max(PAUSE_MS, 20 * tookMs) : tookMs);
    return nextAt - startedAt - tookMs;
  };
}
