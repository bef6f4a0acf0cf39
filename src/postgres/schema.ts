import { EventsError } from "../message/errors.js";

export const DEFAULT_SCHEMA = "opinionated_events";

/** Migrations and statements are written for the default schema; this turns them to another one. */
export function qualify(sql: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return sql;
  return sql
    .replaceAll(`${DEFAULT_SCHEMA}.`, `"${schema}".`)
    .replaceAll(`'${DEFAULT_SCHEMA}'`, `'${schema}'`);
}

/** Throws `INVALID_OPTIONS` unless it is a plain lower-case identifier of at most 40 characters. */
export function validSchema(schema: string = DEFAULT_SCHEMA): string {
  if (/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) return schema;
  throw new EventsError(
    "INVALID_OPTIONS",
    `The schema ${JSON.stringify(schema)} is not a plain identifier: use 1 to 40 of a-z, 0-9 and _, not starting with a digit.`,
  );
}
