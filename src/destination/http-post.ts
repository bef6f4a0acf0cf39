import http, { type Agent, type ClientRequest, type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { urlToHttpOptions } from "node:url";
import type { Deadline } from "./deadline.js";
import { collectAnswer } from "./http-read.js";

export interface PostRequest {
  /** With the content type; the length is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** The request is broken off at its end. */
  readonly limit: Deadline;
}

export interface PostResponse {
  readonly status: number;
  readonly headers: Pick<IncomingHttpHeaders, "retry-after">;
  /** Undefined if it is longer than `MAX_ANSWER_BYTES`. */
  readonly body: string | undefined;
}

/** One POST. Rejects with the error of the network, or with the reason of its limit. */
export type Post = (request: PostRequest) => Promise<PostResponse>;

/** The server had closed an idle connection by the time that we used it again. */
class StaleSocketError extends Error {}

/** Posts to one URL, over connections that are kept alive. */
export function postTo(url: URL): Post {
  const { request: open, Agent } = url.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true });
  const target = { ...urlToHttpOptions(url), method: "POST" };
  const send = (request: PostRequest, by: Agent | false) => {
    const body = typeof request.body === "string" ? Buffer.from(request.body) : request.body;
    const headers = { ...request.headers, "content-length": body.byteLength };
    return settle(open({ ...target, headers, agent: by }), body, request.limit);
  };
  return async (request) => {
    try {
      return await send(request, agent);
    } catch (error) {
      if (error instanceof StaleSocketError) return send(request, false);
      throw error;
    }
  };
}

function settle(call: ClientRequest, body: Uint8Array, limit: Deadline): Promise<PostResponse> {
  return new Promise((resolve, reject) => {
    limit.onEnd((reason) => {
      reject(reason);
      call.destroy();
    });
    call.on("response", (response) => {
      const { statusCode: status = 0, headers } = response;
      collectAnswer(response, (error, text) => {
        hangUp(call);
        if (error) reject(error);
        else resolve({ status, headers, body: text });
      });
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      const stale = call.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(stale ? new StaleSocketError() : error);
    });
    call.end(body);
  });
}

/** An answer can come before the whole request was sent; the server may never read the rest. */
function hangUp(call: ClientRequest): void {
  if (!call.writableFinished) call.destroy();
}
