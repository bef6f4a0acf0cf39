import { readAnswer } from "../../destination/http-read.js";
import type { Send } from "./send.js";

/** Answers a WHATWG request. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** Calls it, for no longer than until the signal aborts, which it may ignore. */
export function sendByFetch(fetch: Fetch): Send {
  return async ({ url, headers, body, limit: { signal } }) => {
    // A byte array is one, too, whatever memory it lies in.
    const init = { method: "POST", headers, body: body as string, signal };
    const request = new Request(url, init);
    return Promise.race([answerOf(fetch, request), aborted(signal)]);
  };
}

async function answerOf(fetch: Fetch, request: Request) {
  const response = await fetch(request);
  const retryAfter = response.headers.get("retry-after");
  return {
    status: response.status,
    headers: retryAfter === null ? {} : { "retry-after": retryAfter },
    body: response.body ? await readAnswer(response.body) : "",
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}
