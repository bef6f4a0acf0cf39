import { blankOf, optionsAt, optionsOf } from "../schema/describe.js";
import { schema } from "../schema/schema.js";
import { others, starter } from "./examples.js";

/** How a format writes a comment, and what stands under a key. */
export interface Style {
  readonly comment: string;
  readonly open: (key: string) => string;
  readonly close?: string;
  readonly leaf: (key: string, json: string) => string;
}

type Entries = Readonly<Record<string, unknown>>;

/** The lines of a new file: every option with its default and a comment, and one of each other kind as a comment. */
export function newFile(style: Style): readonly string[] {
  return optionsOf(schema).flatMap(({ name: section, description }) => [
    "",
    `${style.comment} ${description}`,
    style.open(section),
    ...(section === "defaults" ? entryLines([section], style) : sectionLines(section, style)),
    ...(style.close ? [style.close] : []),
  ]);
}

function sectionLines(section: string, style: Style): readonly string[] {
  const block = (from: unknown) =>
    namesOf(from, section).flatMap((name) => [
      style.open(name),
      ...entryLines([section, name], style, from),
      ...(style.close ? [style.close] : []),
    ]);
  const commented = block(others).map((line) => `${style.comment} ${line}`);
  return indented([...block(starter), ...commented]);
}

/** The options of an entry, those without a value as comments. */
function entryLines(path: readonly string[], style: Style, from: unknown = starter) {
  const entry = path.reduce<unknown>((value, step) => (value as Entries)[step], from) as Entries;
  const lines = optionsAt(schema, path, from).flatMap(({ name, description, ...option }) => {
    const value = entry[name] ?? option.default;
    const line = style.leaf(name, JSON.stringify(value ?? blankOf(option.schema)));
    const shown = value === undefined ? `${style.comment} ${line}` : line;
    return [`${style.comment} ${description}`, shown];
  });
  return indented(lines);
}

function namesOf(from: unknown, section: string): readonly string[] {
  return Object.keys((from as Record<string, Entries>)[section] ?? {});
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
