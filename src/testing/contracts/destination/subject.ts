import type { Destination } from "../../../destination/destination.js";
import type { Message } from "../../../message/message.js";
import type { SqlClient } from "../../../transaction/sql-client.js";

/** A destination with a place of its own, empty at first. */
export interface DestinationSubject {
  readonly destination: Destination;
  /** What the place holds by now, in order: a repeated id twice if it was stored twice. */
  received(): Promise<readonly Message[]>;
  /** Makes the place unreachable, and reachable again. Left out only with all the cases that need it. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> };
  /** Runs `fn` in a transaction: commits when it resolves, rolls back when it rejects. Needed where the destination is transactional. */
  transaction?(fn: (tx: SqlClient) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
