import { toId } from "../message/id.js";
import type { Message } from "../message/message.js";
import { fromStored } from "../message/time.js";
import type { Database } from "../postgres/database.js";
import { type FateRow, fatesOf, findMessage } from "../postgres/inspect.js";

/**
 * What became of a message in a queue:
 * - `unread`: the queue has not come to it yet;
 * - `running`: under a worker's lease; whether its handler has begun, the database does not know;
 * - `waiting` for a worker, `scheduled` for its time, `retrying` after an attempt that failed, `parked` for a process with
 *   a handler, `held` behind another message of its key, `dead`;
 * - `done`: read, and nothing of it is left. That is also said of a dead message that somebody deleted, and of one that was
 *   not wanted when it was read;
 * - `passed`: published before the queue began, or jumped over by a move, and not read since (a replay leaves no trace);
 * - `unwanted`: no subscription of the queue matches it now; it may have been handled under an earlier one;
 * - `unknown`: wanted, and without a delivery, but the log no longer has it: done or passed.
 */
export type FateState =
  | "unread"
  | "running"
  | "waiting"
  | "scheduled"
  | "retrying"
  | "parked"
  | "held"
  | "dead"
  | "done"
  | "passed"
  | "unwanted"
  | "unknown";

export interface Fate {
  readonly queue: string;
  readonly state: FateState;
  /** Attempts begun, where that is known. */
  readonly attempts?: number;
  /** When the next attempt may begin. */
  readonly dueAt?: Date;
  /** When it came to be so. */
  readonly since?: Date;
  /** The application_name of the session of the process that has it, or had it last; processes that don't listen have none. */
  readonly worker?: string;
  /** What the last attempt failed with. */
  readonly reason?: { readonly code: string; readonly message: string; readonly stack?: string };
}

export interface Inspection {
  readonly message: Message;
  readonly position: string;
  /** Every queue of the schema, by name. */
  readonly queues: readonly Fate[];
}

/** Rejects with `INVALID_ID`. */
export async function inspectMessage(db: Database, id: string): Promise<Inspection | undefined> {
  const uuid = toId(id);
  const found = await findMessage(db, uuid);
  return found && { ...found, queues: (await fatesOf(db, uuid)).map(fate) };
}

function fate({ queue, state, attempt, dueAt, since, worker, reason }: FateRow): Fate {
  return {
    queue,
    state: state as FateState,
    ...(attempt !== undefined && { attempts: attempt }),
    ...(dueAt !== undefined && { dueAt: fromStored(dueAt) }),
    ...(since !== undefined && { since: fromStored(since) }),
    ...(worker !== undefined && { worker }),
    ...(reason !== undefined && { reason: JSON.parse(reason) }),
  };
}
