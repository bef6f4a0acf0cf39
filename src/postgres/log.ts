import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { explain } from "./database.js";
import { columns, records } from "./log-rows.js";
import { qualify } from "./schema.js";

const insertOne =
  "select case opinionated_events.append_one($1, $2, $3, $4, $5, $6, $7, $8) when false then '' end as stored";
const insertMany = "select opinionated_events.append_many($1, $2) as stored";
const insertGuarded = "select opinionated_events.append_guarded($1, $2) as stored";

/**
 * Appends messages in their order, in one statement. Resolves with the ids that were stored: the others were there before,
 * or their dedup key was.
 */
export async function append(
  client: SqlClient,
  schema: string,
  messages: readonly Message[],
): Promise<Set<string>> {
  const [first] = messages;
  if (first === undefined) return new Set();
  try {
    const { rows } = await client.query(...statement(messages, first, schema));
    return storedIds(messages, rows[0]?.stored);
  } catch (error) {
    throw explainAppend(error, messages);
  }
}

/** Only a publish with a message that is guarded pays for that. */
function statement(
  messages: readonly Message[],
  first: Message,
  schema: string,
): [text: string, values: unknown[]] {
  const isGuarding = messages.some(isGuarded);
  if (messages.length === 1 && !isGuarding) return [qualify(insertOne, schema), columns(first)];
  const insert = isGuarding ? insertGuarded : insertMany;
  return [qualify(insert, schema), [records(messages), messages.length]];
}

/** `stored` is null if all were stored, else the ids that were. */
function storedIds(messages: readonly Message[], stored: unknown): Set<string> {
  return new Set(stored === null ? messages.map(({ id }) => id) : String(stored).split(","));
}

function isGuarded({ dedupKey, orderedByKey }: Message): boolean {
  return dedupKey !== undefined || orderedByKey;
}

/** Invalid JSON, an escape that text can't hold, more levels than the server's stack. */
const UNSTORABLE = ["22P02", "22P05", "54001"];
/** The server's memory, that of its locks included. */
const OUT_OF_MEMORY = "53200";

function explainAppend(error: unknown, messages: readonly Message[]): unknown {
  const { code } = error as { code?: unknown };
  if (UNSTORABLE.includes(String(code))) return unstorable(error as Error);
  const locks = messages.some(({ orderedByKey }) => orderedByKey);
  return code === OUT_OF_MEMORY && locks ? tooManyKeys(error as Error) : explain(error);
}

/** Only a message that was received can be so. The server's own error quotes the payload. */
function unstorable({ message }: Error): EventsError {
  const text = `A payload or header can't be stored, so none of its batch was (${message}).`;
  const wayOut =
    "Publish each alone, and leave out what has \\u0000 or half a surrogate pair in it.";
  return new EventsError("INVALID_PAYLOAD", `${text} ${wayOut}`);
}

function tooManyKeys(cause: Error): EventsError {
  const text = `The server has no room for a lock on each key that is ordered (${cause.message}).`;
  const wayOut =
    "Publish fewer keys in one transaction, or raise the server's max_locks_per_transaction.";
  return new EventsError("TOO_MANY_KEYS", `${text} ${wayOut}`, { cause });
}
