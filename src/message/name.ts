import { EventsError } from "./errors.js";
import { show } from "./text.js";

const NAME = /^[A-Za-z0-9_\-.:]{1,255}$/;
const RULE = "use 1 to 255 of A-Z a-z 0-9 _ - . :";

/** The name itself. Throws `INVALID_NAME` unless it can name a message. */
export function toName(value: unknown): string {
  if (isName(value)) return value;
  const hint = isPattern(value) ? " A pattern can only be subscribed to." : "";
  throw new EventsError("INVALID_NAME", `Bad message name ${show(value)}: ${RULE}.${hint}`);
}

/** The topic itself. Throws `INVALID_NAME` unless it follows the rules of names. */
export function toTopic(value: unknown): string {
  if (isName(value)) return value;
  throw new EventsError("INVALID_NAME", `Bad topic ${show(value)}: ${RULE}.`);
}

/** The name of a queue itself. Throws `INVALID_NAME` unless it follows the rules of names. */
export function toQueue(value: unknown): string {
  if (isName(value)) return value;
  throw new EventsError("INVALID_NAME", `Bad queue name ${show(value)}: ${RULE}.`);
}

/** The part of a name before the first dot, or all of it. Throws `INVALID_NAME` if that is empty. */
export function topicOf(name: string): string {
  const dot = name.indexOf(".");
  if (dot === 0) {
    const text = `The name ${show(name)} has no topic: put one before the first dot, or give one.`;
    throw new EventsError("INVALID_NAME", text);
  }
  return dot === -1 ? name : name.slice(0, dot);
}

/** Whether the value is `*` or a name followed by `.*`. */
export function isPattern(value: unknown): value is string {
  if (value === "*") return true;
  return typeof value === "string" && value.endsWith(".*") && isName(value.slice(0, -2));
}

/** The name or pattern itself. Throws `INVALID_PATTERN` unless it can be subscribed to. */
export function toPattern(value: unknown): string {
  if (isName(value) || isPattern(value)) return value;
  const text = `Bad name or pattern ${show(value)}: use a name, a name followed by ".*", or "*".`;
  throw new EventsError("INVALID_PATTERN", text);
}

/** The topic that holds what a name or pattern matches; `*` for all topics. */
export function topicOfPattern(pattern: string): string {
  return pattern === "*" ? "*" : topicOf(pattern);
}

/** Whether a name or pattern covers a name. Case-sensitive; `user.*` covers `user.created`, not `user`. */
export function matches(pattern: string, name: string): boolean {
  if (pattern === "*") return true;
  return pattern.endsWith(".*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}
