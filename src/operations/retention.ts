import { EventsError } from "../message/errors.js";
import { assertInteger, assertNumber, assertOptions } from "../message/options.js";
import { show } from "../message/text.js";
import type { Database } from "../postgres/database.js";
import { type Housekeeping, keepHouse } from "../postgres/housekeeping.js";
import { type Pin, pins } from "../postgres/retention.js";
import {
  type Dropped,
  dropped,
  keepMs,
  limitQueue,
  type Segment,
  segments,
  setKeepMs,
} from "../postgres/retention-settings.js";

/** What a queue may keep of the log beyond the retention time. Each missing one is: as much as it needs. */
export interface QueueLimits {
  /** How long after the end of its segment a message may be unread, in ms. */
  readonly maxAgeMs?: number;
  /** How large the log may be on disk, from the first segment that the queue needs. */
  readonly maxBytes?: number;
}

export interface KeptSegment extends Segment {
  /** Who needs it, if its time is over. */
  readonly pins: readonly Pin[];
}

export interface RetentionState {
  readonly keepMs: number;
  /** The oldest first. */
  readonly segments: readonly KeptSegment[];
}

export interface Retention {
  /** How long messages are kept, what they take on disk, and which queues keep more than that. */
  state(): Promise<RetentionState>;
  /** Keeps messages so long at least, and a quarter more at the most, unless a queue needs them longer. Default a day. */
  keep(ms: number): Promise<void>;
  /**
   * At its limit a queue gives up what it has not read: it is counted, and then goes with its segment. An empty object takes
   * the limits away. Rejects with `UNKNOWN_QUEUE`.
   */
  limit(queue: string, limits: QueueLimits): Promise<void>;
  /** What a queue has given up, the oldest first. */
  dropped(queue: string): Promise<readonly Dropped[]>;
  /** Does at once what every receiver does from time to time. To be called now and then where none runs. */
  run(): Promise<Housekeeping>;
}

export function postgresRetention(db: Database): Retention {
  return {
    state: () => stateOf(db),
    async keep(ms) {
      assertNumber("ms", ms, MAX_KEEP_MS);
      await setKeepMs(db, ms);
    },
    limit: (queue, limits) => limit(db, queue, limits),
    dropped: (queue) => dropped(db, queue),
    run: () => keepHouse(db),
  };
}

/** A hundred years. */
const MAX_KEEP_MS = 3_155_760_000_000;

async function limit(db: Database, queue: string, limits: QueueLimits): Promise<void> {
  assertOptions(limits, ["maxAgeMs", "maxBytes"], "a queue's limits");
  const { maxAgeMs, maxBytes } = limits;
  if (maxAgeMs !== undefined) assertNumber("maxAgeMs", maxAgeMs, MAX_KEEP_MS);
  if (maxBytes !== undefined) assertInteger("maxBytes", maxBytes, 0);
  const values = { maxAgeMs: maxAgeMs ?? null, maxBytes: maxBytes ?? null };
  if (await limitQueue(db, queue, values)) return;
  const text = `There is no queue ${show(queue)}: a queue is made when a receiver first starts with it.`;
  throw new EventsError("UNKNOWN_QUEUE", text);
}

async function stateOf(db: Database): Promise<RetentionState> {
  const kept: KeptSegment[] = [];
  for (const segment of await segments(db)) {
    kept.push({ ...segment, pins: segment.isDue ? await pins(db, segment.number) : [] });
  }
  return { keepMs: await keepMs(db), segments: kept };
}
