import type { Database } from "../../postgres/database.js";
import { forgetDedupKeys } from "../../postgres/dedup.js";
import { dropCursors } from "../../postgres/takeover.js";
import { untilNext } from "../timer.js";

const BITE = 5_000;
const PAUSE_MS = 10_000;

/**
 * Drops cursors of the queues that nobody needs any more, and deletes dedup keys whose window is over, when it is time to.
 * Nobody waits for either. Resolves with the milliseconds until it is time again.
 */
export function tidier(db: Database, queues: readonly string[]): () => Promise<number> {
  let nextAt = 0;
  return async () => {
    const startedAt = performance.now();
    if (startedAt < nextAt) return nextAt - startedAt;
    await dropCursors(db, queues);
    const forgotten = await forgetDedupKeys(db, BITE);
    const now = performance.now();
    const tookMs = now - startedAt;
    // With an old snapshot about, each look walks past what was deleted before: it gets a twentieth of the time.
    nextAt = now + (forgotten < BITE ? Math.max(untilNext(PAUSE_MS), 20 * tookMs) : tookMs);
    return nextAt - now;
  };
}
