import type { Pin } from "../../postgres/retention.js";
import type { Logger } from "../source.js";

/** A queue that reads may be in the way for so long. */
const PATIENCE_MS = 60_000;

/** Warns once of each queue and topic that has kept the log from forgetting for a minute without a break. */
export function pinWarner(
  logger: Logger,
  now: () => number = () => performance.now(),
): (pins: readonly Pin[]) => void {
  let seen = new Map<string, { since: number; isTold: boolean }>();
  return (pins) => {
    const before = seen;
    seen = new Map();
    for (const pin of pins) {
      const key = JSON.stringify([pin.queue, pin.topic]);
      const one = before.get(key) ?? { since: now(), isTold: false };
      seen.set(key, one);
      if (one.isTold || now() - one.since < PATIENCE_MS) continue;
      one.isTold = true;
      const { queue, topic, why } = pin;
      logger.warn({ queue, topic, why }, "queue keeps messages whose retention time is over");
    }
  };
}
