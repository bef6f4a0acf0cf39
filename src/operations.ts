/** What operators do: dead letters, replay, inspection, retention. Needs `pg`. */
export type { LogPosition, StartAt } from "./message/start-at.js";
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterPage,
  DeadLetters,
  FailedTry,
} from "./operations/dead-letters.js";
export type { Fate, FateState, Inspection } from "./operations/inspect.js";
export type { LongOptions, LongResult, Progress } from "./operations/long-operation.js";
export {
  type PostgresOperations,
  type PostgresOperationsOptions,
  postgresOperations,
} from "./operations/postgres.js";
export type { ReplayRequest } from "./operations/replay.js";
export type {
  KeptSegment,
  QueueLimits,
  Retention,
  RetentionState,
} from "./operations/retention.js";
export type { SeekOptions } from "./operations/seek.js";
export type { Housekeeping } from "./postgres/housekeeping.js";
export type { Pin } from "./postgres/retention.js";
export type { Dropped, Segment } from "./postgres/retention-settings.js";
export type { Move } from "./postgres/seek.js";
