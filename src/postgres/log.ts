import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { explain } from "./database.js";
import { qualify } from "./schema.js";

// deliver_at is given as a time, or as a delay that only the database's clock turns into one.
const insertOne = `
  insert into opinionated_events.message (id, topic, name, key, payload, headers, deliver_at)
  values ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, clock_timestamp() + $8::float8 * interval '1 ms'))
  on conflict (id) do nothing
  returning id`;

// json_to_recordset makes an SQL null of a payload that is null.
const insertMany = `
  insert into opinionated_events.message (id, topic, name, key, payload, headers, deliver_at)
  select m.id, m.topic, m.name, m.key, coalesce(m.payload, 'null'), m.headers,
    coalesce(m.deliver_at, clock_timestamp() + m.delay_ms * interval '1 ms')
  from json_to_recordset($1::json) as m (
    id uuid, topic text, name text, key text, payload json, headers json, deliver_at timestamptz, delay_ms float8)
  on conflict (id) do nothing
  returning id`;

/** Appends messages in their order, in one statement. Resolves with the ids that were not there before. */
export async function append(
  client: SqlClient,
  schema: string,
  messages: readonly Message[],
): Promise<Set<string>> {
  const [first] = messages;
  if (first === undefined) return new Set();
  const [text, values] =
    messages.length === 1
      ? [insertOne, columns(first)]
      : [insertMany, [`[${messages.map(record).join(",")}]`]];
  try {
    const { rows } = await client.query(qualify(text, schema), values);
    return new Set(rows.map((row) => row.id as string));
  } catch (error) {
    throw isUnstorable(error) ? unstorable(error) : explain(error);
  }
}

/** Invalid JSON, an escape that text can't hold, more levels than the server's stack. */
const UNSTORABLE = ["22P02", "22P05", "54001"];

function isUnstorable(error: unknown): error is Error {
  return error instanceof Error && "code" in error && UNSTORABLE.includes(String(error.code));
}

/** Only a message that was received can be so. The server's own error quotes the payload. */
function unstorable({ message }: Error): EventsError {
  const text = `A payload or header can't be stored, so none of its batch was (${message}).`;
  const wayOut =
    "Publish each alone, and leave out what has \\u0000 or half a surrogate pair in it.";
  return new EventsError("INVALID_PAYLOAD", `${text} ${wayOut}`);
}

function columns(message: Message): unknown[] {
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

/** The payload goes in as the text that it is, never through a second encoding. */
function record(message: Message): string {
  const { id, topic, name, key, headers, deliverAt, delayMs } = message;
  const rest = { id, topic, name, key, deliver_at: deliverAt, delay_ms: delayMs };
  const encoded = headersJson(headers);
  const withHeaders = encoded === null ? "" : `"headers":${encoded},`;
  return `{"payload":${message.json},${withHeaders}${JSON.stringify(rest).slice(1)}`;
}

function headersJson(headers: Message["headers"]): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}
