import type { Addition } from "./missing.js";

/** The text with the options added, with the indentation that it has. */
export function addToJson(text: string, additions: readonly Addition[]): string {
  const root = JSON.parse(text) as Record<string, unknown>;
  for (const { path, value } of additions) {
    const parent = path
      .slice(0, -1)
      .reduce((at, step) => at[step] as Record<string, unknown>, root);
    parent[path.at(-1) as string] = value;
  }
  const indent = /^[ \t]+/m.exec(text)?.[0] ?? "  ";
  return `${JSON.stringify(root, null, indent)}\n`;
}
