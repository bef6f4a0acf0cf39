import { assertOptions } from "../message/options.js";
import { Database, type PgPool } from "../postgres/database.js";
import type { Move } from "../postgres/seek.js";
import type { DeadLetters } from "./dead-letters.js";
import { type Inspection, inspectMessage } from "./inspect.js";
import { type LongOptions, type LongResult, longOptions, runLong } from "./long-operation.js";
import { PostgresDeadLetters } from "./postgres-dead-letters.js";
import { type ReplayRequest, replayOperation } from "./replay.js";
import { postgresRetention, type Retention } from "./retention.js";
import { type SeekOptions, seekQueue } from "./seek.js";

export interface PostgresOperationsOptions {
  readonly pool: PgPool;
  /** Default `opinionated_events`. */
  readonly schema?: string;
}

/** What operators do with a Postgres schema: each member is one capability, in a file of its own. */
export interface PostgresOperations {
  readonly deadLetters: DeadLetters;
  readonly retention: Retention;
  /**
   * Moves a queue back or forward while its workers run. What is from there on is handled again, and what the queue still
   * had of it is superseded; what is jumped over is not handled. What is not visible yet is never lost. Resolves with how
   * it moved on each topic. Rejects with `INVALID_NAME`, `INVALID_OPTIONS`, `NOT_SUBSCRIBED`.
   */
  seek(queue: string, options: SeekOptions): Promise<readonly Move[]>;
  /**
   * Gives a queue messages of the log again, whether it has handled them or not, and does not move it. What is dead there
   * is revived; what waits, runs or is yet to be read is left alone. What is published after the call is not part of it.
   * Rejects with `INVALID_NAME`, `INVALID_KEY`, `INVALID_OPTIONS`, `INVALID_TIME`, `NOT_SUBSCRIBED`.
   */
  replay(request: ReplayRequest, options?: LongOptions): Promise<LongResult>;
  /**
   * A message, and what became of it in each queue. Undefined if neither the log nor a delivery has it: it was never
   * published, or it is gone with its segment of the log. Rejects with `INVALID_ID`.
   */
  inspect(messageId: string): Promise<Inspection | undefined>;
}

/** Throws `INVALID_OPTIONS`, `INVALID_SCHEMA`. Needs no receiver to run. */
export function postgresOperations(options: PostgresOperationsOptions): PostgresOperations {
  assertOptions(options, ["pool", "schema"], "operations");
  const db = new Database(options.pool, options.schema);
  return {
    deadLetters: new PostgresDeadLetters(db),
    retention: postgresRetention(db),
    seek: (queue, to) => seekQueue(db, queue, to),
    async replay(request, long = {}) {
      assertOptions(long, longOptions, "replay");
      return runLong(replayOperation(db, request), long);
    },
    inspect: (messageId) => inspectMessage(db, messageId),
  };
}
