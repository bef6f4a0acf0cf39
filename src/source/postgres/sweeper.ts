import type { Database } from "../../postgres/database.js";
import { sweep } from "../../postgres/takeover.js";
import { Loop } from "../loop.js";
import { untilNext } from "../timer.js";
import { tidier } from "./tidier.js";

const SWEEP_MS = 1_000;
/** How long a worker whose session is gone may live on: it renews each second, and may only be reconnecting. */
const GRACE_MS = 2_000;

/** Takes over the work of processes that are gone, in the queues that this process reads, and tidies up. */
export function sweeper(
  db: Database,
  queues: readonly string[],
  onTaken: () => void,
  onError: (error: unknown) => void,
): Loop {
  const tidy = tidier(db, queues);
  return new Loop(async () => {
    const { taken, nextMs = SWEEP_MS } = await sweep(db, queues, GRACE_MS);
    if (taken > 0) onTaken();
    const tidyMs = await tidy();
    return Math.min(untilNext(SWEEP_MS), Math.max(0, nextMs) + 20, tidyMs);
  }, onError);
}
