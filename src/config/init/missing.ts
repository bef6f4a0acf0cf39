import { isRecord, optionsAt, optionsOf } from "../schema/describe.js";
import { schema } from "../schema/schema.js";

/** An option that a file doesn't have, with its default. */
export interface Addition {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly description: string;
}

/** The options that have a default and are not in the file: no names, no kinds, nothing that its author must choose. */
export function missingOptions(raw: Readonly<Record<string, unknown>>): readonly Addition[] {
  const sections = missing([], raw);
  const entries = optionsOf(schema).flatMap(({ name: section }) =>
    Object.keys(isRecord(raw[section]) ? raw[section] : {}).map((name) => [section, name]),
  );
  return [...sections, ...entries.flatMap((path) => missing(path, raw))];
}

function missing(path: readonly string[], raw: Readonly<Record<string, unknown>>) {
  const entry = path.reduce<unknown>((value, step) => (value as never)[step], raw);
  if (!isRecord(entry)) return [];
  return optionsAt(schema, path, raw)
    .filter(({ name, default: value }) => value !== undefined && !Object.hasOwn(entry, name))
    .map(({ name, default: value, description }) => ({
      path: [...path, name],
      value,
      description,
    }));
}
