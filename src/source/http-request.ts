import type { IncomingMessage } from "node:http";
import { HttpRefusal } from "./http-refusal.js";

/** What we look at in a request, whatever received it. */
export interface HttpRequest {
  readonly method: string | undefined;
  readonly contentType: string | null | undefined;
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export function fromFetch({ method, headers, body }: Request): HttpRequest {
  return { method, contentType: headers.get("content-type"), body: body ?? [] };
}

export function fromNode(request: IncomingMessage): HttpRequest {
  return { method: request.method, contentType: request.headers["content-type"], body: request };
}

/** The text of a JSON request. Refuses any other, and one that is longer than `maxBytes`. */
export async function readRequest(request: HttpRequest, maxBytes: number): Promise<string> {
  if (request.method !== "POST") {
    throw new HttpRefusal(405, "Use POST.", { headers: { allow: "POST" } });
  }
  if (!/^application\/json\s*(;|$)/i.test(request.contentType ?? "")) {
    throw new HttpRefusal(415, "The content-type has to be application/json.");
  }
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
  if (left < 0)
    throw new HttpRefusal(
      413,
      `The body is longer than ${maxBytes} bytes: send fewer messages at once, or raise maxBodyBytes.`,
    );
  return chunks;
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
