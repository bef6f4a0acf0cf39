import { EventsError } from "./errors.js";
import { show } from "./text.js";

/** Throws `INVALID_OPTIONS` unless the value is an object with no other keys than the known ones. */
export function assertOptions(value: unknown, known: readonly string[], owner: string): void {
  if (typeof value !== "object" || value === null) {
    throw new EventsError("INVALID_OPTIONS", `The options of ${owner} are not an object.`);
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const text = `Unknown option ${show(key)} of ${owner}: it has ${known.join(", ")}.`;
    throw new EventsError("INVALID_OPTIONS", text);
  }
}
