import { describeError } from "../config/describe-error.js";
import type { Logger } from "../source/source.js";

/** Warnings and errors as lines of standard error. */
export function lineLogger(about: string): Logger {
  const line = (fields: object, text: string) => {
    process.stderr.write(`${about}: ${[text, ...Object.entries(fields).map(show)].join(", ")}\n`);
  };
  return { debug() {}, info() {}, warn: line, error: line };
}

function show([name, value]: [string, unknown]): string {
  if (value instanceof Error) return describeError(value);
  const text = typeof value === "object" && value !== null ? reasonOf(value) : String(value);
  return `${name} ${text}`;
}

/** Without the stack of a dead message's reason. */
function reasonOf({ code, message }: { readonly code?: unknown; readonly message?: unknown }) {
  return `${code}: ${message}`;
}
