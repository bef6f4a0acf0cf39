import { readdirSync, readFileSync } from "node:fs";
import { qualify } from "./schema.js";

const FOLDER = new URL("../../migrations/", import.meta.url);
const COMPATIBLE_FROM = /^-- compatible-from: (\d+)$/m;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** A package that knows no migration from this one on can't use the schema any more. */
  readonly compatibleFrom: number;
}

/** The migrations that this version of the package ships, oldest first. docs/migrations.md has the rules for writing one. */
export function migrations(schema: string): readonly Migration[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => migration(name, readFileSync(new URL(name, FOLDER), "utf8"), schema));
}

export function migration(name: string, text: string, schema: string): Migration {
  const [, compatibleFrom = "0"] = COMPATIBLE_FROM.exec(text) ?? [];
  return {
    version: Number.parseInt(name, 10),
    name,
    sql: qualify(text, schema),
    compatibleFrom: Number(compatibleFrom),
  };
}
