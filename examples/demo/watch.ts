import { setTimeout } from "node:timers/promises";
import type { Pool } from "pg";
import type { Progress } from "./progress.js";
import { type Report, reconcile } from "./reconcile.js";
import type { Transport } from "./transport.js";

const POLL_MS = 400;
/** Longer than a takeover and the longest backoff. */
const STALLED_MS = 30_000;

/**
 * Draws the progress until `total` messages are committed and all is handled, or until nothing moves any
 * more: the check at the end says then what is missing.
 */
export async function watch(
  pool: Pool,
  total: number,
  progress: Progress,
  { collect }: Transport,
): Promise<void> {
  let last = "";
  let changedAt = performance.now();
  while (performance.now() - changedAt < STALLED_MS) {
    await collect(pool);
    const report = await reconcile(pool);
    const text = describe(report);
    progress.update(shareOf(report, total), text);
    if (report.log.committed === total && report.ok) return;
    if (text !== last) changedAt = performance.now();
    last = text;
    await setTimeout(POLL_MS);
  }
}

function describe({ log, queues, open }: Report): string {
  const handled = Object.entries(queues).map(([name, queue]) => `${name} ${queue.handled}`);
  return [`committed ${log.committed}`, ...handled, `unfinished ${open}`].join(" | ");
}

/** Of the messages that are committed a share is handled, and of all messages a share is committed. */
function shareOf({ log, queues }: Report, total: number): number {
  const reports = Object.values(queues);
  const committed = reports.reduce((sum, queue) => sum + queue.committed, 0);
  const missing = reports.reduce((sum, queue) => sum + queue.missing, 0);
  return committed === 0 ? 0 : (log.committed / total) * (1 - missing / committed);
}
