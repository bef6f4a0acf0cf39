import { EventsError } from "../message/errors.js";
import { loadKind } from "./kinds/kinds.js";
import type { Config } from "./schema/schema.js";

export interface Migrated {
  readonly schema: string;
  /** The destinations and sources that use it. */
  readonly names: readonly string[];
  /** The names of the migrations that were missing. */
  readonly applied: readonly string[];
}

/** Brings every schema of the configuration up to date, one after the other. Throws `INVALID_OPTIONS` if there is none. */
export async function* migrateSchemas({ destinations, sources }: Config): AsyncGenerator<Migrated> {
  const entries = [...Object.entries(destinations), ...Object.entries(sources)];
  const places = new Map<string, { names: string[]; schema: string; connectionString: string }>();
  for (const [name, entry] of entries) {
    if (entry.kind !== "postgres") continue;
    const { schema, connectionString } = entry;
    const key = `${schema} ${connectionString}`;
    const place = places.get(key) ?? { names: [], schema, connectionString };
    if (!place.names.includes(name)) place.names.push(name);
    places.set(key, place);
  }
  if (places.size === 0)
    throw new EventsError(
      "INVALID_OPTIONS",
      "The configuration has nothing of kind postgres to migrate.",
    );
  await loadKind("postgres");
  const { migrateSchema } = await import("./kinds/postgres.js");
  for (const place of places.values())
    yield { schema: place.schema, names: place.names, applied: await migrateSchema(place) };
}
