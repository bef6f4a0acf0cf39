import type { Message } from "../../../message/message.js";
import type { Source } from "../../../source/source.js";
import type { SqlClient } from "../../../transaction/sql-client.js";

export interface DeadMessage {
  readonly id: string;
  /** A text that holds what the handler's last error said. */
  readonly reason: string;
}

/** Effects of handlers, in the database that transactional handlers are given. */
export interface SourceTransactions {
  /** Writes an id. It may be written twice. */
  write(tx: SqlClient, id: string): Promise<void>;
  /** The ids that were committed, with repetitions. */
  written(): Promise<readonly string[]>;
}

/** A place for messages of its own, empty at first, and sources that read it. */
export interface SourceSubject {
  /** The source of one more receiver. `maxWorkers`: how many handlers run at once. */
  source(options: { readonly maxWorkers: number }): Source;
  /** Puts messages into the place, in order, as a publisher does. */
  publish(messages: readonly Message[]): Promise<void>;
  /** What was given up. */
  dead(): Promise<readonly DeadMessage[]>;
  /** The ids of what no handler took. */
  parked(): Promise<readonly string[]>;
  /** Needed of a source with transactions. */
  readonly transactions?: SourceTransactions;
  close(): Promise<void>;
}
