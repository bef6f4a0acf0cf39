import type { Problem } from "./problem.js";

type Path = readonly (string | number)[];

/**
 * Puts environment variables in the place of `${NAME}` in all strings of a tree; `$${` stands for `${` itself. A variable
 * that is not set is a problem, and is left as it is.
 */
export function expand(
  tree: unknown,
  env: NodeJS.ProcessEnv,
): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const value = mapStrings(tree, [], (text, path) =>
    text.replace(/\$?\$\{([^}]*)\}/g, (found, name: string) => {
      if (found.startsWith("$$")) return found.slice(1);
      if (env[name] === undefined)
        problems.push({ path, text: `the environment variable ${name} is not set` });
      return env[name] ?? found;
    }),
  );
  return { value, problems };
}

function mapStrings(
  value: unknown,
  path: Path,
  map: (text: string, path: Path) => string,
): unknown {
  if (typeof value === "string") return map(value, path);
  if (Array.isArray(value)) return value.map((item, n) => mapStrings(item, [...path, n], map));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, mapStrings(item, [...path, key], map)]),
  );
}
