import { EventsError } from "../../message/errors.js";
import type { Database } from "../../postgres/database.js";
import { handleOnce } from "../../postgres/inbox.js";
import type { Delivery } from "../source.js";
import type { Item } from "./held.js";
import { Slots } from "./slots.js";

/** Connections that handlers' transactions leave to claims, renewals and acknowledgements. */
const SPARE = 2;

/** The transactions of handlers, fewer at once than the pool has connections: else leases could not be renewed. */
export class Transactions {
  readonly #db: Database;
  readonly #slots: Slots;

  constructor(db: Database) {
    this.#db = db;
    this.#slots = new Slots(db.maxConnections - SPARE);
  }

  /** The item with the means to handle it in a transaction. */
  delivery(item: Item): Delivery {
    const { held, position } = item;
    const transact: Delivery["transact"] = (work) =>
      this.#slots.run(() => handleOnce(this.#db, { key: held.key, position }, work));
    return { ...item, transact };
  }
}

/** Throws `INVALID_OPTIONS` if the pool is too small for transactional handlers. */
export function assertRoom({ maxConnections }: Database): void {
  if (maxConnections > SPARE) return;
  const text =
    `The pool's max is ${maxConnections}: transactional handlers hold a connection each, and ${SPARE} more are needed ` +
    `for acknowledgements. Give postgresSource a pool of at least ${SPARE + 1}.`;
  throw new EventsError("INVALID_OPTIONS", text);
}
