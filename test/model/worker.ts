import fc from "fast-check";

/** The session of a process that is gone. */
export const GONE = "nobody's session";

/** A delay that no run lives to see the end of. */
export const LATER_MS = 86_400_000;

/** What a worker says of a message. */
const fates = ["running", "done", "retry", "retryLater", "parked", "dead", "released"] as const;
export type Fate = (typeof fates)[number];
export const fate = fc.constantFrom<Fate>("done", "running", "running", "retry", ...fates);
