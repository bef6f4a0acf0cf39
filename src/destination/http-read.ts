import type { Readable } from "node:stream";

export const MAX_ANSWER_BYTES = 1024 * 1024;

/** The text of an answer. Undefined if it is longer than `MAX_ANSWER_BYTES`: then the rest is not read. */
export async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) return undefined;
  }
  return textOf(chunks);
}

/** The same of a stream, without an iterator, which costs more than the rest of a request. */
export function collectAnswer(
  stream: Readable,
  done: (error: Error | undefined, text?: string | undefined) => void,
): void {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= MAX_ANSWER_BYTES) return;
    stream.removeAllListeners("data").destroy();
    done(undefined);
  });
  stream.on("end", () => done(undefined, textOf(chunks)));
  stream.on("error", done);
}

function textOf(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
