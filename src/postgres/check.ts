import { EventsError } from "../message/errors.js";
import type { Database } from "./database.js";
import { migrations } from "./migrations.js";

const hasSchema = "select to_regclass($1) is not null";

const state = `select (select max(version) from opinionated_events.migration),
    (select max(compatible_from) from opinionated_events.migration),
    (select seqcache from pg_sequence where seqrelid = 'opinionated_events.position'::regclass),
    current_setting('transaction_isolation')`;

/**
 * Throws unless the schema is there, fits this package and is sound: `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_TOO_NEW`,
 * `SEQUENCE_CACHED`, `ISOLATION_LEVEL`.
 */
export async function checkSchema(db: Database): Promise<void> {
  const how = `run migrate(pool, { schema: "${db.schema}" }) or "npx opinionated-events migrate"`;
  const [found] = await db.run(hasSchema, [`"${db.schema}".migration`]);
  if (found?.[0] !== "t") {
    throw new EventsError("SCHEMA_MISSING", `The database has no schema ${db.schema}: ${how}.`);
  }
  const [row = []] = await db.run(state, []);
  const [version, compatibleFrom, cache, isolation] = row;
  const wanted = migrations(db.schema).at(-1)?.version ?? 0;
  if (Number(version ?? 0) < wanted) {
    const text = `The schema ${db.schema} is at version ${version ?? 0}, and ${wanted} is needed: ${how}.`;
    throw new EventsError("SCHEMA_OUTDATED", text);
  }
  if (Number(compatibleFrom ?? 0) > wanted) throw tooNew(db.schema, compatibleFrom, wanted);
  if (cache !== "1") {
    const text = `The sequence ${db.schema}.position caches ${cache} values, which loses messages: run alter sequence ${db.schema}.position cache 1.`;
    throw new EventsError("SEQUENCE_CACHED", text);
  }
  if (isolation !== "read committed") {
    const text = `The pool's connections are ${isolation} by default: set default_transaction_isolation to 'read committed' for them.`;
    throw new EventsError("ISOLATION_LEVEL", text);
  }
}

function tooNew(schema: string, needed: unknown, known: number): EventsError {
  const text = `The schema ${schema} can only be used by packages that know its version ${needed}, and this one knows ${known}: update the package.`;
  return new EventsError("SCHEMA_TOO_NEW", text);
}
