import { Readable } from "node:stream";
import { HttpRefusal } from "./http-refusal.js";

export type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
}

/**
 * The whole body. One that is too long or too slow is refused as soon as it is so, and what still comes
 * of it is dropped: a sender that can't finish writing may never read the answer.
 */
export function readBody(
  body: Body,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow(bodyTimeoutMs)), bodyTimeoutMs);
    const chunks: Uint8Array[] = [];
    let left = maxBodyBytes;
    const add = (chunk: Uint8Array) => {
      left -= chunk.byteLength;
      if (left >= 0) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(tooLong(maxBodyBytes));
      }
    };
    const end = (error?: { readonly cause: unknown }) => {
      clearTimeout(timer);
      if (error) reject(brokenOff(error.cause));
      else resolve(chunks);
    };
    if (body instanceof Readable) listen(body, add, end);
    else
      iterate(body, add).then(
        () => end(),
        (cause) => end({ cause }),
      );
  });
}

async function iterate(body: Body, add: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of body) add(chunk);
}

/** The same of a stream of Node, whose iterator costs more than all that is done to its chunks. */
function listen(
  body: Readable,
  add: (chunk: Uint8Array) => void,
  end: (error?: { readonly cause: unknown }) => void,
): void {
  body.on("data", add);
  body.on("end", () => end());
  body.on("error", (cause) => end({ cause }));
  const close = () => body.readableEnded || end({ cause: body.errored });
  if (body.closed) close();
  else body.on("close", close);
}

function tooLong(maxBytes: number): HttpRefusal {
  const wayOut = "send fewer messages at once, or raise maxBodyBytes";
  return new HttpRefusal(413, `The body is longer than ${maxBytes} bytes: ${wayOut}.`);
}

function tooSlow(timeoutMs: number): HttpRefusal {
  return new HttpRefusal(408, `The body did not arrive within ${timeoutMs} ms; send it again.`);
}

/** Not a 4xx that is for ever: the next attempt may arrive whole. */
function brokenOff(cause: unknown): HttpRefusal {
  return new HttpRefusal(408, "The body broke off; send it again.", { cause });
}
