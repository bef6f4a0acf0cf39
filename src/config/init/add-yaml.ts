import { isMap, isNode, type Pair, parseDocument, type YAMLMap } from "yaml";
import type { Addition } from "./missing.js";

/** The text with the options added, each at the end of its map; everything else stays as it is, to the letter. */
export function addToYaml(text: string, additions: readonly Addition[]): string {
  const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return additions.reduce(add, whole);
}

function add(text: string, addition: Addition): string {
  const { path } = addition;
  if (path.length === 1) return `${text}\n${lines(addition, "")}`;
  const map = parseDocument(text).getIn(path.slice(0, -1), true);
  // An alias: what it stands for has a place of its own.
  if (!isMap(map)) return text;
  const last = map.items.at(-1);
  if (!last) return insert(text, (map.range?.[0] ?? 0) + 1, option(addition));
  const end = endOf(last);
  if (map.flow) return insert(text, end, `, ${option(addition)}`);
  // What ends in a list or a map ends with the line break after it.
  const lineEnd = text.indexOf("\n", text.slice(0, end).trimEnd().length);
  return insert(text, lineEnd + 1, lines(addition, indentOf(text, map)));
}

function lines({ description, ...addition }: Addition, indent: string): string {
  return `${indent}# ${description}\n${indent}${option(addition)}\n`;
}

/** JSON is YAML, too. */
function option({ path, value }: Pick<Addition, "path" | "value">): string {
  return `${path.at(-1)}: ${JSON.stringify(value)}`;
}

function insert(text: string, offset: number, added: string): string {
  return text.slice(0, offset) + added + text.slice(offset);
}

/** Where the value ends, without a comment after it. */
function endOf({ key, value }: Pair): number {
  const last = isNode(value) ? value : key;
  return isNode(last) ? (last.range?.[1] ?? 0) : 0;
}

/** What stands before the first key in its line. */
function indentOf(text: string, { items }: YAMLMap): string {
  const key = items[0]?.key;
  const start = isNode(key) ? (key.range?.[0] ?? 0) : 0;
  return " ".repeat(start - (text.lastIndexOf("\n", start - 1) + 1));
}
