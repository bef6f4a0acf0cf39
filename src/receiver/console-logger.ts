import type { Logger } from "../source/source.js";

/** The logger of a receiver that was given none: warnings and errors go to the console. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, text) => console.warn(text, fields),
  error: (fields, text) => console.error(text, fields),
};
