import { z } from "zod";
import { DEFAULT_SCHEMA } from "../../postgres/schema.js";
import { count } from "./values.js";

/** The address of a database, as `pg` takes it. */
export const address = z
  .string()
  .regex(/^((postgres(ql)?|socket):\/\/|\/)./, "expected postgres://user:password@host:port/name");

/** How a PostgreSQL schema is reached. Those who agree on the database and the size of the pool share one. */
export const connection = {
  connectionString: address.describe("The database, as postgres://user:password@host:port/name."),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,39}$/)
    .default(DEFAULT_SCHEMA)
    .describe("The schema that `migrate` made."),
  poolMax: count.default(10).describe("The most connections of the pool."),
};
