import type { Database } from "../../postgres/database.js";
import { sweep } from "../../postgres/takeover.js";
import { Loop } from "../loop.js";
import { untilNext } from "../timer.js";
import { tidier } from "./tidier.js";
import { Trusted } from "./trusted.js";

const SWEEP_MS = 1_000;
/** How long a worker whose session is gone may live on: it renews each second, and may only be reconnecting. */
const GRACE_MS = 2_000;

export interface SweeperOptions {
  readonly db: Database;
  readonly queues: readonly string[];
  /** What the last poll of these queues has said. */
  readonly settled: () => string | undefined;
  /** Messages were taken over, and are due. */
  readonly onTaken: () => void;
  readonly onError: (error: unknown) => void;
}

/** Takes over the work of processes that are gone, in the queues that this process reads, and tidies up. */
export function sweeper({ db, queues, settled, onTaken, onError }: SweeperOptions): Loop {
  const tidy = tidier(db, queues);
  const cleared = new Trusted();
  return new Loop(async () => {
    const known = { settled: settled(), cleared: cleared.take() };
    const result = await sweep(db, queues, GRACE_MS, known);
    cleared.keep(result.cleared);
    if (result.taken > 0) onTaken();
    const tidyMs = await tidy();
    return Math.min(untilNext(SWEEP_MS), Math.max(0, result.nextMs ?? SWEEP_MS) + 20, tidyMs);
  }, onError);
}
