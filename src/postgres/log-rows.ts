import type { Message } from "../message/message.js";

/** The values of one message, in the order of the log's columns. */
export function columns(message: Message): unknown[] {
  const { id, topic, name, key, json, headers, deliverAt, delayMs } = message;
  return [
    id,
    topic,
    name,
    key ?? null,
    json,
    headersJson(headers),
    deliverAt?.toISOString() ?? null,
    delayMs ?? null,
  ];
}

/** Many messages as one JSON array of records. */
export function records(messages: readonly Message[]): string {
  return `[${messages.map(record).join(",")}]`;
}

/** The payload goes in as the text that it is, never through a second encoding. */
function record(message: Message): string {
  const rest = {
    id: message.id,
    topic: message.topic,
    name: message.name,
    key: message.key,
    deliver_at: message.deliverAt,
    delay_ms: message.delayMs,
    dedup_key: message.dedupKey,
    dedup_ms: message.dedupMs,
    ordered_by_key: message.orderedByKey || undefined,
  };
  const encoded = headersJson(message.headers);
  const withHeaders = encoded === null ? "" : `"headers":${encoded},`;
  return `{"payload":${message.json},${withHeaders}${JSON.stringify(rest).slice(1)}`;
}

export function headersJson(headers: Message["headers"]): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}
