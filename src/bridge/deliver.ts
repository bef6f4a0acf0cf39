import { Deadline } from "../destination/deadline.js";
import type { DeliverOptions, DeliverResult, Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";

export interface CallOptions {
  readonly tx?: SqlClient | undefined;
  /** Ends the call at once, whether or not the destination heeds it. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const accepted: DeliverResult = { status: "accepted" };

const STATUSES = ["stored", "duplicate", "accepted", "failed"];

/**
 * One call of a destination, with a result for every message of the batch. Rejects as the destination
 * does, with the signal's reason, or with `DELIVERY_TIMEOUT`.
 */
export async function deliver(
  destination: Destination,
  batch: readonly Message[],
  { tx, signal: parent, timeoutMs }: CallOptions,
): Promise<readonly DeliverResult[]> {
  parent.throwIfAborted();
  const limit = new Deadline(parent, timeoutMs, () => timeout(destination, timeoutMs));
  try {
    const call = destination.deliver(batch, new Call(limit, tx));
    return toResults(destination, batch, await limit.race(call));
  } finally {
    limit.clear();
  }
}

/** Its signal is made if the destination looks at it. A class, since an object with a getter is made anew each time. */
class Call implements DeliverOptions {
  declare readonly tx?: SqlClient;
  readonly #limit: Deadline;

  constructor(limit: Deadline, tx: SqlClient | undefined) {
    this.#limit = limit;
    if (tx) this.tx = tx;
  }

  get signal(): AbortSignal {
    return this.#limit.signal;
  }
}

function toResults(
  destination: Destination,
  batch: readonly Message[],
  results: Awaited<ReturnType<Destination["deliver"]>>,
): readonly DeliverResult[] {
  if (!results) return batch.map(() => accepted);
  if (results.length === batch.length && results.every(isResult)) return results;
  throw new EventsError(
    "PUBLISH_FAILED",
    `Destination "${destination.name}" answered ${batch.length} messages with something else than as ` +
      "many results, so that nobody knows what it took: its deliver must give one per message, or nothing.",
  );
}

function isResult(result: DeliverResult): boolean {
  return STATUSES.includes(result?.status);
}

function timeout({ name }: Destination, timeoutMs: number): EventsError {
  const text = `Destination "${name}" did not answer within ${timeoutMs} ms.`;
  return new EventsError(
    "DELIVERY_TIMEOUT",
    `${text} Is it up? If it is only slow, raise timeoutMs.`,
  );
}
