import type { Message } from "../message/message.js";
import type { DeliverResult } from "./destination.js";
import { HttpError } from "./http-error.js";
import type { PostResponse } from "./http-post.js";
import { MAX_ANSWER_BYTES } from "./http-read.js";
import { type HttpResult, readHttpResults } from "./http-results.js";
import { parseRetryAfter } from "./retry-after.js";

/** The 4xx that a later attempt can get past: Request Timeout, Too Early, Too Many Requests. */
const TEMPORARY = [408, 425, 429];

const EXCERPT_LENGTH = 200;

const taken = {
  stored: { status: "stored" },
  duplicate: { status: "duplicate" },
  accepted: { status: "accepted" },
} as const;

/**
 * What an answer says of a batch. A result per message counts whatever the status is; without, 2xx says
 * that all were taken, and anything else throws an `HttpError`. `target` names the call in its text.
 */
export function readResponse(
  target: string,
  batch: readonly Message[],
  response: PostResponse,
): readonly DeliverResult[] | undefined {
  const { body } = response;
  if (body === undefined) throw tooLong(target, response);
  const results = readHttpResults(batch, body);
  if (results) return results.map((result) => toDeliverResult(target, response, result));
  if (isSuccess(response)) return undefined;
  throw refusal(target, response);
}

export function isSuccess({ status }: PostResponse): boolean {
  return isBetween(status, 200, 299);
}

/** The error for an answer that is no success; `permanent` as given, else by the status. */
export function refusal(target: string, response: PostResponse, permanent?: boolean): HttpError {
  const { status, body = "" } = response;
  const text = `${target} answered ${status}${hint(response)}`;
  const details = detailsOf(response);
  return new HttpError(body === "" ? text : `${text}: ${excerpt(body)}`, {
    ...details,
    permanent: permanent ?? details.permanent,
  });
}

function toDeliverResult(
  target: string,
  response: PostResponse,
  result: HttpResult,
): DeliverResult {
  if (result.status !== "failed") return taken[result.status];
  const { problem, retryAfterMs, permanent } = result;
  const details = detailsOf(response);
  const error = new HttpError(`${target} answered ${response.status}: ${excerpt(problem)}`, {
    status: response.status,
    retryAfterMs: retryAfterMs ?? details.retryAfterMs,
    permanent: permanent ?? details.permanent,
  });
  return { status: "failed", error };
}

function detailsOf({ status, headers }: PostResponse) {
  return {
    status,
    retryAfterMs: parseRetryAfter(headers["retry-after"]),
    permanent: isBetween(status, 400, 499) && !TEMPORARY.includes(status),
  };
}

/** Nobody knows what the rest says of the messages. */
function tooLong(target: string, response: PostResponse): HttpError {
  const text = `${target} answered ${response.status} with more than ${MAX_ANSWER_BYTES} bytes`;
  const details = { ...detailsOf(response), permanent: false };
  return new HttpError(`${text}: shorten the answer, or lower maxBatch.`, details);
}

function hint({ status }: PostResponse): string {
  return isBetween(status, 300, 399) ? " (redirects are not followed; give the final URL)" : "";
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH - 3)}...` : line;
}

function isBetween(value: number, first: number, last: number): boolean {
  return value >= first && value <= last;
}
