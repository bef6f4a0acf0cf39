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

/**
 * What all queues make of a message: any that wants it again decides, then any for which it is dead. `again` if all had done
 * so before this request.
 */
export function resultOf({ id }: Message, outcomes: readonly Outcome[], again: boolean): Result {
  if (outcomes.every(({ type }) => type === "done")) {
    return { id, status: again ? "duplicate" : "accepted" };
  }
  const failures = outcomes.flatMap(failureOf);
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
  const body = `{"results":[${results.map(textOf).join(",")}]}`;
  if (failed.length === 0) return toAnswer(200, body);
  const smallest = failed.reduce((least, result) => Math.min(least, delayOf(result)), Infinity);
  if (smallest === Infinity) return toAnswer(422, body);
  return toAnswer(503, body, retryAfter(smallest));
}

/** Says why a request as a whole was not taken. */
export function refusalOf(error: EventsError): Answer {
  const { status, headers } = error instanceof HttpRefusal ? error : { status: 400, headers: {} };
  return toAnswer(status, JSON.stringify({ error: errorOf(error) }), headers);
}

/** Written out for the many: an id is a UUID, with nothing to escape. */
function textOf(result: Result): string {
  const { id, status } = result;
  return status === "failed" ? JSON.stringify(result) : `{"id":"${id}","status":"${status}"}`;
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

function toAnswer(status: number, body: string, headers: Answer["headers"] = {}): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}
