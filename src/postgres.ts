/** PostgreSQL: needs `pg`, and `pg-listen` for `notifyTrigger`. */

export { type PostgresDestinationOptions, postgresDestination } from "./destination/postgres.js";
export type { CopyFrom } from "./postgres/copy.js";
export type { PgPool } from "./postgres/database.js";
export { migrate } from "./postgres/migrate.js";
export { type UnsubscribeOptions, unsubscribe } from "./postgres/subscription.js";
export { type PostgresSourceOptions, postgresSource } from "./source/postgres/source.js";
export {
  type IntervalTrigger,
  intervalTrigger,
  type NotifyTrigger,
  notifyTrigger,
  type Trigger,
} from "./source/postgres/trigger.js";
