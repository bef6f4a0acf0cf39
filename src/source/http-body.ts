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
    collect(body, maxBodyBytes, () => reject(tooLong(maxBodyBytes)))
      .then(resolve, (cause) => reject(brokenOff(cause)))
      .finally(() => clearTimeout(timer));
  });
}

async function collect(body: Body, maxBytes: number, onTooLong: () => void) {
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  for await (const chunk of body) {
    left -= chunk.byteLength;
    if (left >= 0) chunks.push(chunk);
    else {
      chunks.length = 0;
      onTooLong();
    }
  }
  return chunks;
}

function tooLong(maxBytes: number): HttpRefusal {
  return new HttpRefusal(413, `The body is longer than ${maxBytes} bytes.`);
}

function tooSlow(timeoutMs: number): HttpRefusal {
  return new HttpRefusal(408, `The body did not arrive within ${timeoutMs} ms; send it again.`);
}

/** Not a 4xx that is for ever: the next attempt may arrive whole. */
function brokenOff(cause: unknown): HttpRefusal {
  return new HttpRefusal(408, "The body broke off; send it again.", { cause });
}
