import type { z } from "zod";
import { expand } from "./environment.js";
import { invalidConfig, known, type Problem } from "./problem.js";
import { isRecord, optionsAt } from "./schema/describe.js";
import { type Config, schema } from "./schema/schema.js";
import { unknownNames } from "./unknown-names.js";

/** The configuration that stands in a file. Throws `INVALID_CONFIG` with all that is wrong. */
export function validate(file: string, raw: unknown, env: NodeJS.ProcessEnv): Config {
  const { value, problems: unset } = expand(isRecord(raw) ? withoutEmpty(raw) : (raw ?? {}), env);
  const { success, data, error } = schema.safeParse(value);
  const wrong = success ? unknownNames(data) : error.issues.map((issue) => problemOf(issue, value));
  const placesOfUnset = new Set(unset.map(({ path }) => path.join(".")));
  const others = wrong.filter(({ path }) => !placesOfUnset.has(path.join(".")));
  const problems = [...unset, ...others];
  if (!success || problems.length > 0) throw invalidConfig(file, problems);
  return data;
}

/** Says what was expected; zod's own texts don't quote values either. */
function problemOf(issue: z.core.$ZodIssue, value: unknown): Problem {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const names = optionsAt(schema, path, value).map(({ name }) => name);
    return { path, text: `unknown option ${issue.keys.join(", ")}: ${known(names)}` };
  }
  if (issue.code === "invalid_union" && "options" in issue && issue.options)
    return { path, text: `expected one of ${issue.options.join(", ")}` };
  return { path, text: issue.message.replace(/^Invalid (input|option): /, "") };
}

/** A section under which all is commented out is null in YAML. */
function withoutEmpty(raw: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(raw).filter(([, section]) => section !== null));
}
