import { entryOf, kindsOf, type Option, optionsOf } from "../../src/config/schema/describe.js";
import { schema } from "../../src/config/schema/schema.js";

/** The options of every section and kind, as the page has them. */
export function optionTables(): string {
  return optionsOf(schema)
    .flatMap(({ name, description, schema: section }) => [
      `### ${name}`,
      description,
      ...kindsOf(entryOf(section)).map((kind) =>
        ["| option | default | |", "| --- | --- | --- |", ...optionsOf(kind).map(row)].join("\n"),
      ),
    ])
    .join("\n\n");
}

function row({ name, description, isRequired, schema: option, ...rest }: Option): string {
  const kind = (option as { value?: unknown }).value;
  const shown = kind ?? rest.default;
  const none = isRequired ? "must be given" : "none";
  const cell = shown === undefined ? none : `\`${kind ?? JSON.stringify(shown)}\``;
  return `| \`${name}\` | ${cell} | ${description} |`;
}
