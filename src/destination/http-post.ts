import http, {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";
import https from "node:https";

export interface PostRequest {
  readonly url: URL;
  /** With the content type; the length is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

export interface PostResponse {
  readonly status: number;
  readonly headers: Pick<IncomingHttpHeaders, "retry-after">;
  /** Undefined if it is longer than `MAX_ANSWER_BYTES`. */
  readonly body: string | undefined;
}

export const MAX_ANSWER_BYTES = 1024 * 1024;

/** The server had closed an idle connection by the time that we used it again. */
class StaleSocketError extends Error {}

/** One POST. Rejects with the error of the network, or once the signal aborts. */
export async function post(request: PostRequest): Promise<PostResponse> {
  try {
    return await send(request, request.agent);
  } catch (error) {
    if (error instanceof StaleSocketError) return send(request, false);
    throw error;
  }
}

function send({ url, headers, body, signal }: PostRequest, agent: Agent | false) {
  const { request } = url.protocol === "https:" ? https : http;
  const length = Buffer.byteLength(body);
  const options = {
    method: "POST",
    headers: { ...headers, "content-length": length },
    agent,
    signal,
  };
  return new Promise<PostResponse>((resolve, reject) => {
    const call = request(url, options);
    call.on("response", (response) => {
      const answer = read(response).finally(() => hangUp(call));
      answer.then(resolve, reject);
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

async function read(response: IncomingMessage): Promise<PostResponse> {
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: await readAnswer(response) };
}

/** The text of an answer. Undefined if it is longer than `MAX_ANSWER_BYTES`: then the rest is not read. */
export async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}
