import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { SqlClient } from "../transaction/sql-client.js";
import { explain } from "./database.js";
import { columns, records } from "./log-rows.js";
import { qualify } from "./schema.js";

const parameters = {
  append_one: "$1, $2, $3, $4, $5, $6, $7, $8",
  append_many: "$1, $2",
  append_guarded: "$1, $2",
};

/** A client of node-postgres. */
interface PreparingClient {
  // biome-ignore lint/suspicious/noExplicitAny: as in SqlClient
  query(statement: { name: string; text: string; values: unknown[] }): Promise<{ rows: any[] }>;
}

/**
 * Appends messages in their order, in one statement. Resolves with the ids that were stored: the others were there before,
 * or their dedup key was. `prepared` takes a client of node-postgres, on a connection where statements keep their names.
 */
export async function append(
  client: SqlClient,
  schema: string,
  messages: readonly Message[],
  prepared = false,
): Promise<Set<string>> {
  const [first] = messages;
  if (first === undefined) return new Set();
  const [append, values] = callOf(messages, first);
  const name = qualify(`opinionated_events.${append}`, schema);
  const text = `select ${name}(${parameters[append]}) as stored`;
  try {
    const { rows } = prepared
      ? await (client as unknown as PreparingClient).query({ name, text, values })
      : await client.query(text, values);
    return storedIds(messages, rows[0]?.stored);
  } catch (error) {
    throw explainAppend(error, messages);
  }
}

/** Only a publish with a message that is guarded pays for that. */
function callOf(
  messages: readonly Message[],
  first: Message,
): [append: keyof typeof parameters, values: unknown[]] {
  const isGuarding = messages.some(isGuarded);
  if (messages.length === 1 && !isGuarding) return ["append_one", columns(first)];
  return [isGuarding ? "append_guarded" : "append_many", [records(messages), messages.length]];
}

/** `stored` is true of one message that was stored and null if all of many were, else the ids that were. */
function storedIds(messages: readonly Message[], stored: unknown): Set<string> {
  if (stored === null || stored === true) return new Set(messages.map(({ id }) => id));
  return new Set(stored === false ? [] : String(stored).split(","));
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
