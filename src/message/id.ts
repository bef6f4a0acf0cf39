import { randomFillSync } from "node:crypto";
import { EventsError } from "./errors.js";
import { show } from "./text.js";

const LOWER_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID = new RegExp(LOWER_UUID, "i");

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

// One system call for 256 ids; without the pool it is most of their cost.
const pool = Buffer.alloc(4096);
let poolText = "";
let used = pool.length;
let msecs = 0;
let seq = 0;
/** The time, as an id begins with it. */
let head = "";

/** A new UUID, version 7. Each one of a process is greater than the one before it. */
export function newId(): string {
  const at = takeRandom();
  const now = Date.now();
  if (now > msecs) {
    const time = now.toString(16).padStart(12, "0");
    head = `${time.slice(0, 8)}-${time.slice(8)}-`;
    msecs = now;
    seq = firstSeq(at);
  } else {
    seq += 1;
  }
  const end = (seq << 2) | (byteAt(at + 4) & 0x03);
  const high = `${hex(0x70 | ((seq >>> 28) & 0x0f))}${hex(seq >>> 20)}`;
  const low = `${hex(0x80 | ((seq >>> 14) & 0x3f))}${hex(seq >>> 6)}`;
  return `${head}${high}-${low}-${hex(end)}${poolText.slice(2 * at + 10, 2 * at + 20)}`;
}

/**
 * The id in lower case. Throws `INVALID_ID` unless it is a UUID of version 1 to 8; the nil and the max
 * UUID are refused, as they stand for a missing id and would make different messages duplicates.
 */
export function toId(value: unknown): string {
  if (typeof value === "string") {
    if (LOWER_UUID.test(value)) return value;
    if (UUID.test(value)) return value.toLowerCase();
  }
  const text = `Bad message id ${show(value)}: use a UUID, or leave it out to get a new one.`;
  throw new EventsError("INVALID_ID", text);
}

/** Where the next 16 bytes are in the pool: four begin a sequence, and six end an id. */
function takeRandom(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    poolText = pool.toString("hex");
    used = 0;
  }
  used += 16;
  return used - 16;
}

// 31 of the 32 bits: room for two billion more ids before the clock moves on, even after it was set back.
function firstSeq(at: number): number {
  return pool.readUInt32BE(at) & 0x7fffffff;
}

function byteAt(index: number): number {
  return pool[index] ?? 0;
}

/** The last byte of a number. */
function hex(value: number): string {
  return HEX[value & 0xff] ?? "";
}
