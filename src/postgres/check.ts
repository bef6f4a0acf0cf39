import { EventsError } from "../message/errors.js";
import type { Database } from "./database.js";
import { migrations } from "./migrate.js";

const hasSchema = "select to_regclass($1) is not null";

const state = `select (select max(version) from opinionated_events.migration), opinionated_events.is_restored(),
    (select seqcache from pg_sequence where seqrelid = 'opinionated_events.position'::regclass),
    current_setting('transaction_isolation')`;

/**
 * Throws unless the schema is there, new enough and sound: `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `CLUSTER_CHANGED`,
 * `SEQUENCE_CACHED`, `ISOLATION_LEVEL`.
 */
export async function checkSchema(db: Database): Promise<void> {
  const how = `run migrate(pool, { schema: "${db.schema}" })`;
  const [found] = await db.run(hasSchema, [`"${db.schema}".migration`]);
  if (found?.[0] !== "t") {
    throw new EventsError("SCHEMA_MISSING", `The database has no schema ${db.schema}: ${how}.`);
  }
  const [row = []] = await db.run(state, []);
  const [version, restored, cache, isolation] = row;
  const wanted = migrations(db.schema).at(-1)?.version ?? 0;
  if (Number(version ?? 0) < wanted) {
    const text = `The schema ${db.schema} is at version ${version ?? 0}, and ${wanted} is needed: ${how}.`;
    throw new EventsError("SCHEMA_OUTDATED", text);
  }
  if (restored === "t") {
    const text = `The schema ${db.schema} was restored from another cluster, and its cursors must be rebased: ${how} before anything is published.`;
    throw new EventsError("CLUSTER_CHANGED", text);
  }
  if (cache !== "1") {
    const text = `The sequence ${db.schema}.position caches ${cache} values, which loses messages: run alter sequence ${db.schema}.position cache 1.`;
    throw new EventsError("SEQUENCE_CACHED", text);
  }
  if (isolation !== "read committed") {
    const text = `The pool's connections are ${isolation} by default: set default_transaction_isolation to 'read committed' for them.`;
    throw new EventsError("ISOLATION_LEVEL", text);
  }
}
