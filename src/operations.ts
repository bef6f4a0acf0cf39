/** What operators do: dead letters, replay, inspection, retention. Needs `pg`. */
export type { LongOptions, LongResult, Progress } from "./operations/long-operation.js";
export {
  type PostgresOperations,
  type PostgresOperationsOptions,
  postgresOperations,
} from "./operations/postgres.js";
