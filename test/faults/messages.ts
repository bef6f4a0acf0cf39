import { defineEvent, type EventDefinition } from "../../src/index.js";

/** What a handler does with a message. */
export type Kind =
  | "plain"
  /** Fails the first time. */
  | "retry"
  /** Is not due at once. */
  | "scheduled"
  /** Has a payload that the event definition refuses. */
  | "refused"
  /** Its handler says that no retry can help. */
  | "fatal"
  /** Its handler never ends, the first time. */
  | "hang"
  /** Ends the process. */
  | "exit";

/** What messages that can't be handled are dead of. */
export const DEAD: Partial<Record<Kind, string>> = {
  refused: "INVALID_PAYLOAD",
  fatal: "FATAL",
  exit: "WORKER_LOST",
};

/** The code with which a process ends on a message of kind "exit". */
export const POISONED = 66;

export const QUEUE = "q";
export const RUN = "job.run";

/** `ms`: how long its handler takes, if not as long as the worker's usually do. */
export interface Payload {
  readonly n: number;
  readonly kind: Kind;
  readonly ms?: number;
}

const schema: EventDefinition<string, Payload, Payload>["schema"] = {
  "~standard": {
    version: 1,
    vendor: "faults",
    validate: (value) => {
      const payload = value as Payload;
      if (typeof payload.n === "number") return { value: payload };
      return { issues: [{ message: "It is not a number.", path: ["n"] }] };
    },
  },
};

/** An event whose payload is checked on arrival. */
export const job = (name: string) => defineEvent(name, schema);

/** A line of a publisher: what it is about to publish in a transaction, or how that has ended. */
export type PublishedLine =
  | { readonly tx: string; readonly messages: readonly PublishedMessage[] }
  | { readonly tx: string; readonly end: "committed" | "rolled back"; readonly at: number };

/** Its id, its key, its number within the key. */
export type PublishedMessage = readonly [id: string, key: string, n: number, kind: Kind];

/** A line of a worker, written when a message's handler has done its work; `at` in milliseconds since 1970. */
export type HandledLine = readonly [id: string, key: string, n: number, at: number];
