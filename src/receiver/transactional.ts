import { EventsError } from "../message/errors.js";
import type { Transact } from "../source/source.js";
import type { Handler, TransactionalHandler } from "./handler.js";

/** A handler that runs inside the transaction of its delivery, and rolls back once its signal is aborted. */
export function inTransaction(
  handler: TransactionalHandler,
  transact: Transact | undefined,
): Handler {
  return (context) => {
    if (!transact) throw unsupported();
    return transact(async (tx) => {
      context.signal.throwIfAborted();
      await handler({ ...context, tx });
      context.signal.throwIfAborted();
    });
  };
}

export function unsupported(): EventsError {
  const text = "A transactional handler needs a source with transactions, as postgresSource is.";
  return new EventsError("TRANSACTION_UNSUPPORTED", text);
}
