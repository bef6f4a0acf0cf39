import { assertHttpHeaders, toHttpUrl } from "../../destination/http-options.js";
import { postTo } from "../../destination/http-post.js";
import { EventsError } from "../../message/errors.js";
import { assertInteger, assertOptions, MAX_TIMER_MS } from "../../message/options.js";
import { type Fetch, sendByFetch } from "./fetch.js";
import { Http2Client } from "./http2-client.js";
import type { Send } from "./send.js";

export interface ProxyOptions {
  /** Answers in this process, Hono's `app.fetch` for instance: no connection is made, and the route may be a mere path. */
  readonly fetch?: Fetch;
  /** Speaks HTTP/2, with prior knowledge where the URL is `http:` (h2c), over one connection. Default false: HTTP/1.1. */
  readonly http2?: boolean;
  /** Sent with every request, for instance to authenticate. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The message's headers that are sent along, by their exact names. Default: `traceparent` and `tracestate`. */
  readonly forward?: readonly string[];
  /** The 4xx that no retry mends: the message is dead at once. Default: none. */
  readonly deadOn?: readonly number[];
  /** How long one request may take, connecting and the whole answer included, in ms. Default 10,000. */
  readonly timeoutMs?: number;
}

const OPTIONS = ["fetch", "http2", "headers", "forward", "deadOn", "timeoutMs"];

/** What we say ourselves, and what belongs to the connection. */
const RESERVED =
  /^(x-message-(id|name|key)|x-retry-count|content-(type|length)|host|expect|te|trailer|upgrade|connection|keep-alive|proxy-connection|transfer-encoding)$/i;

/** What a proxy was told, with the defaults. Throws `INVALID_OPTIONS`. */
export function proxySettings(route: string | URL, options: ProxyOptions) {
  assertOptions(options, OPTIONS, "proxyTo");
  const { fetch, http2 = false, headers = {}, timeoutMs = 10_000, deadOn = [] } = options;
  const { forward = ["traceparent", "tracestate"] } = options;
  const url = toHttpUrl("proxyTo", route, fetch ? "http://localhost" : undefined);
  if (url.username || url.password) throw invalid("a URL without credentials: use the headers");
  assertInteger("proxyTo's timeoutMs", timeoutMs, 1, MAX_TIMER_MS);
  for (const status of deadOn) assertInteger("A status of proxyTo's deadOn", status, 400, 499);
  const forwarded = Object.fromEntries(forward.map((name) => [name, ""]));
  assertHttpHeaders("proxyTo", { ...forwarded, ...headers });
  const reserved = [...forward, ...Object.keys(headers)].find((name) => RESERVED.test(name));
  if (reserved) throw invalid(`no header ${reserved}: that one is set by itself`);
  if (fetch && http2) throw invalid("either fetch or http2");
  const label = `POST ${fetch ? "" : url.origin}${url.pathname}`;
  const send = fetch ? sendByFetch(fetch) : sendByNetwork(url, http2);
  return { url, label, send, headers, forward, deadOn, timeoutMs };
}

function sendByNetwork(url: URL, isHttp2: boolean): Send {
  if (isHttp2) {
    const client = new Http2Client(url.origin);
    return (request) => client.post(request);
  }
  return postTo(url);
}

function invalid(what: string): EventsError {
  return new EventsError("INVALID_OPTIONS", `proxyTo takes ${what}.`);
}
