import type { Database } from "../../postgres/database.js";
import { keepHouse } from "../../postgres/housekeeping.js";
import { Loop } from "../loop.js";
import type { Logger } from "../source.js";
import { pinWarner } from "./pin-warner.js";

/** Lets the log forget what its time is over for, all queues' alike, and warns of queues that keep it from that. */
export function housekeeper(db: Database, logger: Logger, onError: (error: unknown) => void): Loop {
  const warn = pinWarner(logger);
  return new Loop(async () => {
    const { pins, nextMs } = await keepHouse(db);
    warn(pins);
    return nextMs;
  }, onError);
}
