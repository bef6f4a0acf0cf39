import type { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import { HttpRefusal } from "./http-refusal.js";
import type { Outcome } from "./source.js";

/** An HTTP answer, whatever sends it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How one queue is done with a message; `again` if it was so before this request. */
export interface Settled {
  readonly outcome: Outcome;
  readonly again: boolean;
}

/** What became of one message. */
export interface Result extends Partial<Failure> {
  readonly id: string;
  readonly status: "accepted" | "duplicate" | "failed";
}

interface Failure {
  readonly error: { readonly code: string; readonly message: string };
  /** Milliseconds; missing if no retry is wanted. */
  readonly retryAfterMs?: number;
  /** True if no retry is wanted. */
  readonly permanent?: true;
}

/** When to send again what can't be taken here and now. */
const notHereMs = 1_000;

/** Of an error: senders read only so much of an answer. */
const maxTextLength = 1_000;

/** What all queues make of a message: any that wants it again decides, then any for which it is dead. */
export function resultOf({ id }: Message, settled: readonly Settled[]): Result {
  if (settled.every(({ outcome }) => outcome.type === "done")) {
    const again = settled.length > 0 && settled.every((queue) => queue.again);
    return { id, status: again ? "duplicate" : "accepted" };
  }
  const failures = settled.flatMap(({ outcome }) => failureOf(outcome));
  const failure = failures.sort((a, b) => delayOf(a) - delayOf(b))[0];
  return { id, status: "failed", ...failure };
}

/** What is said of a message that is due in `waitMs` milliseconds. */
export function notDue({ id }: Message, waitMs: number): Result {
  const error = { code: "RETRY_AFTER", message: "The message is not due yet." };
  return { id, status: "failed", error, retryAfterMs: waitMs };
}

/** 200 if all is well, 503 with the smallest delay if any message is wanted again, else 422. */
export function answerOf(results: readonly Result[]): Answer {
  const failed = results.filter(({ status }) => status === "failed");
  if (failed.length === 0) return toAnswer(200, { results });
  const smallest = failed.reduce((least, result) => Math.min(least, delayOf(result)), Infinity);
  if (smallest === Infinity) return toAnswer(422, { results });
  return toAnswer(503, { results }, retryAfter(smallest));
}

/** Says why a request as a whole was not taken. */
export function refusalOf(error: EventsError): Answer {
  const { status, headers } = error instanceof HttpRefusal ? error : { status: 400, headers: {} };
  return toAnswer(status, { error: errorOf(error) }, headers);
}

function failureOf(outcome: Outcome): Failure[] {
  switch (outcome.type) {
    case "done":
      return [];
    case "dead":
      return [{ error: errorOf(outcome.reason), permanent: true }];
    case "retry":
      return [{ error: errorOf(outcome.reason), retryAfterMs: outcome.afterMs }];
    case "parked":
    case "released":
      return [{ error: notHere, retryAfterMs: notHereMs }];
  }
}

const notHere = {
  code: "NOT_STARTED",
  message: "The message was not handled here; send it again.",
};

/** Leaves out the stack, which is nobody else's business. */
function errorOf({ code, message }: Failure["error"]): Failure["error"] {
  return { code, message: message.slice(0, maxTextLength) };
}

function delayOf({ retryAfterMs = Number.POSITIVE_INFINITY }: Partial<Failure>): number {
  return retryAfterMs;
}

function retryAfter(ms: number): Record<string, string> {
  return { "retry-after": String(Math.ceil(ms / 1_000)) };
}

function toAnswer(status: number, body: object, headers: Answer["headers"] = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
