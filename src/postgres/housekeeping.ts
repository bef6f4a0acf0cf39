import type { Database } from "./database.js";
import { discover, dropUnread, type Pin, passOver, pins, retire, rotate } from "./retention.js";
import { sweep } from "./takeover.js";

/** As long as a worker whose session was cut has to come back. */
const GRACE_MS = 2_000;
/** A fortieth of the time that messages are kept is the pace, within these bounds. */
const PACE = { parts: 40, minMs: 1_000, maxMs: 15_000 };

export interface Housekeeping {
  /** How many segments of the log were emptied. */
  readonly retired: number;
  /** Who needs a segment whose time is over. */
  readonly pins: readonly Pin[];
  /** When to do it again, in ms. */
  readonly nextMs: number;
}

/**
 * Lets the log forget: publishers go on to the next segment if it is time to, and those whose time is over are emptied, if
 * nobody needs them. Whoever is in the way only by standing still is helped first. May be run by several at once.
 */
export async function keepHouse(db: Database): Promise<Housekeeping> {
  const { keepMs, isSettled, due } = await rotate(db);
  let retired = 0;
  const left: Pin[] = [];
  for (const segment of due) {
    if (!(await retire(db, segment))) left.push(...(await help(db, segment)));
    else retired += 1;
  }
  const paceMs = Math.min(PACE.maxMs, Math.max(PACE.minMs, keepMs / PACE.parts));
  return { retired, pins: left, nextMs: isSettled ? paceMs : PACE.minMs };
}

/** Resolves with those that could not be helped. */
async function help(db: Database, segment: number): Promise<readonly Pin[]> {
  const left: Pin[] = [];
  for (const pin of await pins(db, segment)) {
    if (!(await helpOne(db, pin, segment))) left.push(pin);
  }
  return left;
}

async function helpOne(db: Database, pin: Pin, segment: number): Promise<boolean> {
  if (pin.why === "leased") return (await sweep(db, [pin.queue], GRACE_MS)).taken > 0;
  if (pin.why === "unmet") await discover(db, pin.queue);
  return (await passOver(db, pin)) || dropUnread(db, pin, segment);
}
