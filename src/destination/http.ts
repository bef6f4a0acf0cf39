import { encodeEnvelopes } from "../message/envelope.js";
import type { Message } from "../message/message.js";
import { assertInteger, assertOptions, MAX_TIMER_MS } from "../message/options.js";
import { Deadline } from "./deadline.js";
import type { Destination } from "./destination.js";
import { unanswered, unreachable } from "./http-error.js";
import { assertHttpHeaders, toHttpUrl } from "./http-options.js";
import { type Post, type PostRequest, type PostResponse, postTo } from "./http-post.js";
import { readResponse } from "./http-response.js";
import { sendSplit } from "./http-split.js";

export interface HttpDestinationOptions {
  /** Sent with every request, for instance to authenticate. `content-type` is ours. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one request may take, connecting and the whole answer included, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Names it in errors and logs. Default: the URL without credentials and query. */
  readonly name?: string;
  /** The most messages of one request. Default 100. */
  readonly maxBatch?: number;
}

const json = { "content-type": "application/json" };

/**
 * Sends messages as JSON with POST; the body is always an array of envelopes. Any 2xx says that all were
 * taken, unless the answer tells them apart as that of an `httpSource` does. A batch that is too long for
 * the server (413) is sent again in halves, and redirects are not followed.
 * What fails is an `HttpError`: `permanent` for a 4xx other than 408, 425 and 429, else to be tried again,
 * after its `retryAfterMs` if the answer has a `Retry-After`.
 *
 * @throws EventsError `INVALID_OPTIONS`
 * @example asyncBridge([httpDestination("http://localhost:8080/_events")]);
 */
export function httpDestination(
  url: string | URL,
  options: HttpDestinationOptions = {},
): Destination {
  assertOptions(options, ["headers", "timeoutMs", "name", "maxBatch"], "httpDestination");
  const endpoint = toHttpUrl("httpDestination", url);
  const shown = `${endpoint.origin}${endpoint.pathname}`;
  const { headers = {}, timeoutMs = 10_000, name = shown, maxBatch = 100 } = options;
  assertHttpHeaders("httpDestination", headers);
  assertInteger("httpDestination's timeoutMs", timeoutMs, 1, MAX_TIMER_MS);
  assertInteger("httpDestination's maxBatch", maxBatch, 1, Number.MAX_SAFE_INTEGER);
  const post = postTo(endpoint);
  const allHeaders = { ...headers, ...json };
  const target = `POST ${shown}`;

  async function send(batch: readonly Message[], parent: AbortSignal) {
    const limit = new Deadline(parent, timeoutMs, () => unanswered(target, timeoutMs));
    try {
      const body = encodeEnvelopes(batch);
      const response = await call(target, post, { headers: allHeaders, body, limit });
      return readResponse(target, batch, response);
    } finally {
      limit.clear();
    }
  }

  return {
    name,
    capabilities: { maxBatch },
    deliver: (batch, { signal }) => sendSplit(batch, (part) => send(part, signal)),
  };
}

async function call(target: string, post: Post, request: PostRequest): Promise<PostResponse> {
  try {
    return await post(request);
  } catch (cause) {
    request.limit.throwIfOver();
    throw unreachable(target, cause);
  }
}
