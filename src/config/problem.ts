import { EventsError } from "../message/errors.js";

/** What is wrong at a place of a configuration. Never holds a value of it: that may be a secret. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

/** One error for all that is wrong with a file. */
export function invalidConfig(
  file: string,
  problems: readonly Problem[],
  cause?: unknown,
): EventsError {
  const lines = problems.map(({ path, text }) => `\n  ${place(path)}${text}`);
  return new EventsError("INVALID_CONFIG", `${file} can't be used:${lines.join("")}`, { cause });
}

function place(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "" : `${path.map(String).join(".")}: `;
}

/** The known ones of a kind of thing, for a text. */
export function known(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? "there are none" : `known are ${all.join(", ")}`;
}
