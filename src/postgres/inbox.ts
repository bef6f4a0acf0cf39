import { EventsError } from "../message/errors.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { transactionOn } from "../transaction/transaction.js";
import type { BatchKey } from "./batch.js";
import type { Database } from "./database.js";
import type { DeliveryKey } from "./delivery.js";
import { qualify } from "./schema.js";

/** A message in the hands of this process, and the lease that it is held under. */
export interface HeldMessage {
  readonly key: BatchKey | DeliveryKey;
  readonly position: string;
}

const ENDED = "OE001";
const HANDLED = "OE002";
const LOST = "OE003";

/**
 * Runs `work` in a transaction that commits together with the acknowledgement of the message, or not at all. Resolves,
 * and leaves nothing of the work behind, if another transaction has handled the message already. Rejects with the error of
 * the work or of the commit, or with `LEASE_LOST`, `TRANSACTION_ENDED`, `TRANSACTION_ABORTED`, `POOL_EXHAUSTED`.
 */
export async function handleOnce(
  db: Database,
  message: HeldMessage,
  work: (tx: SqlClient) => Promise<void>,
): Promise<void> {
  const client = await db.connect();
  const acknowledge = qualify(acknowledgeAndCommit(message), db.schema);
  try {
    await transactionOn(client, begin(message), acknowledge, work);
  } catch (error) {
    if (codeOf(error) !== HANDLED) throw explainOutcome(error);
  }
}

/** One round trip. The setting ends with the transaction, which shows whether it is still the same one. */
function begin({ key: { token } }: HeldMessage): string {
  return `begin isolation level read committed; select set_config('opinionated_events_tx.token', ${quote(token)}, true)`;
}

/** One round trip, so that no lost connection leaves the lock of the first on the lease. If that fails, nothing commits. */
function acknowledgeAndCommit({ key, position }: HeldMessage): string {
  const { queue, token } = key;
  const place = "seq" in key ? `${quote(key.topic)}, ${quote(key.seq)}` : "null, null";
  const values = `${quote(queue)}, ${place}, ${quote(position)}, ${quote(token)}`;
  return `select opinionated_events.acknowledge(${values}); commit`;
}

function quote(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

function explainOutcome(error: unknown): unknown {
  switch (codeOf(error)) {
    case LOST: {
      const text =
        "The lease on the message was lost while its handler ran, so its transaction was rolled back.";
      return new EventsError("LEASE_LOST", text, { cause: error });
    }
    case ENDED: {
      const text =
        "The handler ended its transaction itself, so the message is not acknowledged: leave commit and rollback to the receiver, and throw to roll back.";
      return new EventsError("TRANSACTION_ENDED", text, { cause: error });
    }
    default:
      return error;
  }
}
