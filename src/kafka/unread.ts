import { toHeaders } from "../message/headers.js";
import type { Message } from "../message/message.js";
import { StoredMessage } from "../message/stored-message.js";
import type { ForeignRecord } from "./foreign.js";
import { splitHeaders, textOf } from "./record-headers.js";

/** A record that can't be read, as a message: named as its topic, its payload the bytes of the value. */
export function unreadMessage({
  id,
  topic,
  timestamp,
  key,
  value,
  headers,
}: ForeignRecord): Message {
  return new StoredMessage({
    id,
    name: topic,
    topic,
    key: key === null ? undefined : (textOf(key) ?? undefined),
    json: JSON.stringify((value ?? Buffer.alloc(0)).toString("base64")),
    payload: new Uint8Array(value ?? []),
    headersJson: JSON.stringify({
      ...readable(headers),
      "content-type": "application/octet-stream",
    }),
    publishedAt: Number.isNaN(timestamp.getTime()) ? new Date(0) : timestamp,
    deliverAt: null,
  });
}

/** Those that are texts; all of them stay in the record. */
function readable(headers: ForeignRecord["headers"]) {
  const texts = Object.entries(splitHeaders(headers).own ?? {}).filter(([, text]) => text !== null);
  try {
    return toHeaders(Object.fromEntries(texts));
  } catch {
    return {};
  }
}
