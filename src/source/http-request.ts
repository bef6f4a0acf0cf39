import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { type Body, type BodyLimits, readBody } from "./http-body.js";
import { HttpRefusal } from "./http-refusal.js";

/** What we look at in a request, whatever received it. */
export interface HttpRequest {
  readonly method: string | undefined;
  readonly contentType: string | null | undefined;
  readonly contentEncoding: string | null | undefined;
  /** Something else has read the body, or begun to. */
  readonly bodyUsed: boolean;
  readonly body: Body;
}

export function fromFetch({ method, headers, body, bodyUsed }: Request): HttpRequest {
  const contentType = headers.get("content-type");
  const contentEncoding = headers.get("content-encoding");
  return { method, contentType, contentEncoding, bodyUsed, body: body ?? [] };
}

export function fromNode(request: IncomingMessage): HttpRequest {
  const { method, headers, readableDidRead: bodyUsed } = request;
  const contentType = headers["content-type"];
  const contentEncoding = headers["content-encoding"];
  return { method, contentType, contentEncoding, bodyUsed, body: request };
}

/** The text of a JSON request. Throws an `HttpRefusal` for any other, and for one beyond the limits. */
export async function readRequest(request: HttpRequest, limits: BodyLimits): Promise<string> {
  assertReadable(request);
  return decode(await readBody(request.body, limits));
}

function assertReadable({ method, contentType, contentEncoding, bodyUsed }: HttpRequest): void {
  if (method !== "POST") {
    throw new HttpRefusal(405, "Use POST.", { headers: { allow: "POST" } });
  }
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? "")) {
    throw new HttpRefusal(415, "The content-type has to be application/json.");
  }
  if (!/^(identity)?$/i.test(contentEncoding ?? "")) {
    const text = "A body with a content-encoding is not read; send it as it is.";
    throw new HttpRefusal(415, text, { headers: { "accept-encoding": "identity" } });
  }
  if (bodyUsed) {
    const text = "Something has read the body already; mount the source before any body parser.";
    throw new HttpRefusal(500, text);
  }
}

function decode(chunks: readonly Uint8Array[]): string {
  const [first] = chunks;
  const body =
    chunks.length === 1 && first
      ? Buffer.from(first.buffer, first.byteOffset, first.length)
      : Buffer.concat(chunks);
  if (!isUtf8(body)) throw new HttpRefusal(400, "The body is not valid UTF-8.");
  return withoutMark(body.toString());
}

/** A byte order mark is no part of the text. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}
