import type { SqlClient } from "./sql-client.js";

/** Says that a publish takes part in the caller's transaction. */
export interface InTransaction {
  readonly tx: SqlClient;
}

/**
 * Publishes inside the transaction that is open on `tx`: the messages exist exactly when it commits.
 * It is never committed or rolled back by us, and savepoints work as usual.
 *
 * @example await publisher.publishOne(userCreated({ id, email }), withTx(tx));
 */
export function withTx(tx: SqlClient): InTransaction {
  return { tx };
}
