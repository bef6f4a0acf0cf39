/** What operators do: dead letters, replay, inspection, retention. Needs `pg`. */
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterPage,
  DeadLetters,
  FailedTry,
} from "./operations/dead-letters.js";
export type { LongOptions, LongResult, Progress } from "./operations/long-operation.js";
export {
  type PostgresOperations,
  type PostgresOperationsOptions,
  postgresOperations,
} from "./operations/postgres.js";
export type {
  KeptSegment,
  QueueLimits,
  Retention,
  RetentionState,
} from "./operations/retention.js";
export type { Housekeeping } from "./postgres/housekeeping.js";
export type { Pin } from "./postgres/retention.js";
export type { Dropped, Segment } from "./postgres/retention-settings.js";
