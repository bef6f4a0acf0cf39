import { Deadline } from "../../destination/deadline.js";
import { type HttpError, unanswered, unreachable } from "../../destination/http-error.js";
import { isSuccess, refusal } from "../../destination/http-response.js";
import { FatalError } from "../../message/errors.js";
import { MAX_TIMER_MS } from "../../message/options.js";
import { retryAfter } from "../failure.js";
import type { Handler } from "../handler.js";
import { type ProxyOptions, proxySettings } from "./options.js";
import { bodyOf, headersOf } from "./request.js";
import type { Send } from "./send.js";

/**
 * A handler that turns each message into a POST to a route of a service: the payload as its JSON text or its bytes, with
 * `x-message-id`, `x-message-name`, `x-message-key` (percent-encoded: `decodeURIComponent` gives the key) and `x-retry-count`
 * (0 for the first attempt). Any 2xx is done, a status of `deadOn` is dead, and all else is tried again, no answer within
 * `timeoutMs` and a redirect too; after the `Retry-After` of the answer if it has one. The delivery's signal aborts the request.
 *
 * @throws EventsError `INVALID_OPTIONS`
 * @example receiver.on("crm", "user.*", proxyTo("/events/users", { fetch: app.fetch }));
 */
export function proxyTo(route: string | URL, options: ProxyOptions = {}): Handler {
  const { url, label, send, headers, forward, deadOn, timeoutMs } = proxySettings(route, options);
  return async ({ message, attempt, signal: parent }) => {
    const body = bodyOf(message);
    const all = { ...headers, ...headersOf(message, attempt, forward) };
    const limit = new Deadline(parent, timeoutMs, () => unanswered(label, timeoutMs));
    try {
      const response = await call(label, send, { url, headers: all, body, limit });
      if (isSuccess(response)) return;
      const isDead = deadOn.includes(response.status);
      throw failure(refusal(label, response, isDead));
    } finally {
      limit.clear();
    }
  };
}

async function call(label: string, send: Send, request: Parameters<Send>[0]) {
  try {
    return await send(request);
  } catch (cause) {
    request.limit.throwIfOver();
    throw unreachable(label, cause);
  }
}

function failure(error: HttpError): Error {
  if (error.permanent) return new FatalError(error.code, error.message, error);
  if (error.retryAfterMs === undefined) return error;
  return retryAfter(Math.min(error.retryAfterMs, MAX_TIMER_MS), error);
}
