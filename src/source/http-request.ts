import type { IncomingMessage } from "node:http";
import { HttpRefusal } from "./http-refusal.js";

/** What we look at in a request, whatever received it. */
export interface HttpRequest {
  readonly method: string | undefined;
  readonly contentType: string | null | undefined;
  /** In bytes, as the sender declares it; undefined if it doesn't. */
  readonly contentLength: string | null | undefined;
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export function fromFetch({ method, headers, body }: Request): HttpRequest {
  const contentType = headers.get("content-type");
  return { method, contentType, contentLength: headers.get("content-length"), body: body ?? [] };
}

export function fromNode(request: IncomingMessage): HttpRequest {
  const { method, headers } = request;
  // Leaving off in the middle of the body must not close the socket: the refusal is still to be sent.
  const body = request.iterator({ destroyOnReturn: false });
  const contentType = headers["content-type"];
  return { method, contentType, contentLength: headers["content-length"], body };
}

/** The text of a JSON request. Refuses any other, and one that is longer than `maxBytes`. */
export async function readRequest(request: HttpRequest, maxBytes: number): Promise<string> {
  if (request.method !== "POST") {
    throw new HttpRefusal(405, "Use POST.", { headers: { allow: "POST" } });
  }
  if (!/^application\/json\s*(;|$)/i.test(request.contentType ?? "")) {
    throw new HttpRefusal(415, "The content-type has to be application/json.");
  }
  if (Number(request.contentLength) > maxBytes) throw tooLong(maxBytes);
  return decode(await readBody(request.body, maxBytes));
}

async function readBody(body: HttpRequest["body"], maxBytes: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  try {
    for await (const chunk of body) {
      left -= chunk.byteLength;
      if (left < 0) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new HttpRefusal(400, "The body broke off.", { cause });
  }
  if (left < 0) throw tooLong(maxBytes);
  return chunks;
}

function tooLong(maxBytes: number): HttpRefusal {
  return new HttpRefusal(413, `The body is longer than ${maxBytes} bytes; send fewer messages.`);
}

function decode(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const texts = chunks.map((chunk) => decoder.decode(chunk, { stream: true }));
    return texts.join("") + decoder.decode();
  } catch (cause) {
    throw new HttpRefusal(400, "The body is not valid UTF-8.", { cause });
  }
}
