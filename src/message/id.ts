import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";
import { EventsError } from "./errors.js";
import { show } from "./text.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

// One system call for 256 ids; without the pool it is most of their cost.
const pool = new Uint8Array(4096);
let used = pool.length;
// uuid keeps no state of its own for callers that bring their random bytes.
let msecs = 0;
let seq = 0;

/** A new UUID, version 7. Each one of a process is greater than the one before it. */
export function newId(): string {
  const random = randomBytes();
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    seq = firstSeq(random);
  } else {
    seq += 1;
  }
  return v7({ random, msecs, seq });
}

/**
 * The id in lower case. Throws `INVALID_ID` unless it is a UUID of version 1 to 8; the nil and the max
 * UUID are refused, as they stand for a missing id and would make different messages duplicates.
 */
export function toId(value: unknown): string {
  if (typeof value === "string" && UUID.test(value)) return value.toLowerCase();
  const text = `Bad message id ${show(value)}: use a UUID, or leave it out to get a new one.`;
  throw new EventsError("INVALID_ID", text);
}

function randomBytes(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

// 31 of the 32 bits: room for two billion more ids before the clock moves on, even after it was set back.
function firstSeq([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
