/** Migrates a database in a process of its own. */
import pg from "pg";
import { migrate } from "../../src/postgres.js";
import type { MigratorOptions } from "./children.js";

const { url }: MigratorOptions = JSON.parse(process.argv[2] as string);
const pool = new pg.Pool({ connectionString: url });
process.send?.("ready");
await migrate(pool);
await pool.end();
process.disconnect();
