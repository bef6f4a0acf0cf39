import { EventsError } from "./errors.js";
import { toKey } from "./key.js";
import { toDelay } from "./time.js";

/** The window of a dedup key, in ms: as long as that of Amazon SQS, it outlasts a caller's retries and keeps little. */
export const DEFAULT_DEDUP_MS = 300_000;

/** A dedup key with its window; both undefined for a message without. */
export interface Dedup {
  readonly dedupKey: string | undefined;
  readonly dedupMs: number | undefined;
}

export const NO_DEDUP: Dedup = Object.freeze({ dedupKey: undefined, dedupMs: undefined });

/** Throws `INVALID_KEY`, `INVALID_TIME`, and `INVALID_OPTIONS` for a window without a key. */
export function toDedup(dedupKey: unknown, dedupMs: unknown): Dedup {
  if (dedupKey !== undefined) {
    return {
      dedupKey: toKey(dedupKey),
      dedupMs: dedupMs === undefined ? DEFAULT_DEDUP_MS : toDelay(dedupMs),
    };
  }
  if (dedupMs === undefined) return NO_DEDUP;
  throw new EventsError("INVALID_OPTIONS", "dedupMs is the window of a dedupKey: give that, too.");
}
