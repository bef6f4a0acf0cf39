import type { Database } from "../../postgres/database.js";
import { keepHouse } from "../../postgres/housekeeping.js";
import type { Pin } from "../../postgres/retention.js";
import type { Logger } from "../source.js";
import { Loop } from "./loop.js";

/** Lets the log forget what its time is over for, all queues' alike, and warns of queues that keep it from that. */
export function housekeeper(db: Database, logger: Logger, onError: (error: unknown) => void): Loop {
  const warn = warner(logger);
  return new Loop(async () => {
    const { pins, nextMs } = await keepHouse(db);
    warn(pins);
    return nextMs;
  }, onError);
}

/** Warns of each queue and topic once, until it is no longer in the way. */
function warner(logger: Logger): (pins: readonly Pin[]) => void {
  let known = new Set<string>();
  return (pins) => {
    const found = new Map(pins.map((pin) => [JSON.stringify([pin.queue, pin.topic]), pin]));
    for (const [key, { queue, topic, why }] of found) {
      if (known.has(key)) continue;
      logger.warn({ queue, topic, why }, "queue keeps messages whose retention time is over");
    }
    known = new Set(found.keys());
  };
}
