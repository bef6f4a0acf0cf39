import type { Message } from "../../message/message.js";

/** The JSON text to the letter, or the bytes. */
export function bodyOf({ json, payload }: Message): string | Uint8Array {
  return payload instanceof Uint8Array ? payload : json;
}

/** What a request says of its message: the forwarded headers, and ours. */
export function headersOf(
  message: Message,
  attempt: number,
  forward: readonly string[],
): Record<string, string> {
  const { id, name, key, headers } = message;
  const present = forward.filter((header) => headers[header] !== undefined);
  return {
    ...Object.fromEntries(present.map((header) => [header, toPrintable(headers[header])])),
    ...(key === undefined ? {} : { "x-message-key": encodeKey(key) }),
    "content-type": toPrintable(headers["content-type"] ?? "application/json"),
    "x-message-id": id,
    "x-message-name": name,
    "x-retry-count": String(attempt - 1),
  };
}

/** What a header can't hold, and the percent sign itself, as UTF-8 in percent-encoding. */
function encodeKey(key: string): string {
  return key.replace(/[^\x21-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/** The value as it is, but for what a header can't hold. */
function toPrintable(value = ""): string {
  return value.replace(/[^\x20-\x7e]+/g, encodeURIComponent);
}
