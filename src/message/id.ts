import { randomFillSync } from "node:crypto";
import { EventsError } from "./errors.js";
import { show } from "./text.js";

const LOWER_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID = new RegExp(LOWER_UUID, "i");

const DIGITS = Buffer.from("0123456789abcdef");

// One system call for 256 ids; without the pool it is most of their cost.
const pool = Buffer.alloc(4096);
let used = pool.length;
let msecs = 0;
let seq = 0;
/** Written in place, because a text that is put together of pieces keeps them in memory. */
const text = Buffer.from("00000000-0000-7000-8000-000000000000");

/** A new UUID, version 7. Each one of a process is greater than the one before it. */
export function newId(): string {
  const random = takeRandom();
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    seq = firstSeq(random);
    const time = now.toString(16).padStart(12, "0");
    text.write(`${time.slice(0, 8)}-${time.slice(8)}`, "latin1");
  } else {
    seq += 1;
  }
  write(14, 0x70 | ((seq >>> 28) & 0x0f));
  write(16, seq >>> 20);
  write(19, 0x80 | ((seq >>> 14) & 0x3f));
  write(21, seq >>> 6);
  write(24, (seq << 2) | (byteAt(random + 4) & 0x03));
  for (let n = 0; n < 5; n += 1) write(26 + 2 * n, byteAt(random + 5 + n));
  return text.toString("latin1");
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

/** Two digits: those of the last byte of the value. */
function write(at: number, value: number): void {
  text[at] = DIGITS[(value >>> 4) & 0x0f] ?? 0;
  text[at + 1] = DIGITS[value & 0x0f] ?? 0;
}
