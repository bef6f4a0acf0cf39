import type { Writable } from "node:stream";
import type { Message } from "../message/message.js";
import { acquire } from "./acquire.js";
import type { PgClient, PgPool } from "./database.js";
import { headersJson } from "./log-rows.js";
import { qualify } from "./schema.js";

/** Makes a query of a COPY statement, which takes the data as a stream, for a client of node-postgres. */
export type CopyFrom = (statement: string) => Writable;

/** In a copied JSON text: of a lone surrogate or U+0000, perhaps, which COPY takes, and readers can't. */
const UNICODE_ESCAPE = "\\\\u";

interface Copying {
  query(copy: Writable): Writable;
}

/** Of the three statements at the beginning. */
type Results = [unknown, unknown, { rows: [{ segment: number; first_new: string }] }];

/** Of fewer messages the statements around the COPY cost more than it spares. */
const MIN_MESSAGES = 100;

// The lock comes before the register is read, as rotations rely on (has_writers).
const beginStatement = `begin; lock table opinionated_events.message in row exclusive mode;
  select segment, first_new from opinionated_events.writing`;
const copyStatement =
  "copy opinionated_events.message (segment, id, topic, name, key, payload, headers) from stdin";

/**
 * Appends messages in their order by COPY, in a transaction of its own. False if that can't be done and nothing was stored, or
 * if it isn't known: to append them otherwise tells what was wrong, and which are there (docs/decisions/copy.md).
 */
export async function appendCopied(
  pool: PgPool,
  schema: string,
  messages: readonly Message[],
  copyFrom: CopyFrom,
): Promise<boolean> {
  if (messages.length < MIN_MESSAGES || !messages.every(isCopied)) return false;
  const client = await acquire(pool);
  client.on?.("error", ignore);
  let broken = true;
  try {
    const isStored = await copy(client, schema, messages, copyFrom);
    await client.query(isStored ? "commit" : "rollback");
    broken = false;
    return isStored;
  } catch {
    broken = await client.query("rollback").then(
      () => false,
      () => true,
    );
    return false;
  } finally {
    client.release(broken);
    client.off?.("error", ignore);
  }
}

/** False if an older segment may hold one of the ids, or if there may be what an insert would refuse. */
async function copy(
  client: PgClient,
  schema: string,
  messages: readonly Message[],
  copyFrom: CopyFrom,
): Promise<boolean> {
  const results = await client.query(qualify(beginStatement, schema));
  const { segment, first_new } = (results as unknown as Results)[2].rows[0];
  if (messages.some(({ id }) => id < first_new)) return false;
  const text = messages.map((message) => line(segment, message)).join("");
  if (text.includes(UNICODE_ESCAPE)) return false;
  const { query } = client as unknown as Copying;
  const stream = query.call(client, copyFrom(qualify(copyStatement, schema)));
  await new Promise<void>((resolve, reject) => {
    stream.once("error", reject).once("finish", resolve).end(text);
  });
  return true;
}

/** Whether it is all in the row, and its id, a UUIDv7, can be told from older ones. */
function isCopied({ id, deliverAt, delayMs, dedupKey, orderedByKey }: Message): boolean {
  const isPlain = deliverAt === undefined && delayMs === undefined && dedupKey === undefined;
  return isPlain && !orderedByKey && id[14] === "7";
}

function line(segment: number, { id, topic, name, key, json, headers }: Message): string {
  const texts = `${field(key)}\t${field(json)}\t${field(headersJson(headers))}`;
  return `${segment}\t${id}\t${topic}\t${name}\t${texts}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

const SPECIAL = Object.keys(ESCAPES);

/** In COPY's text format. */
function field(text: string | null | undefined): string {
  if (text === null || text === undefined) return "\\N";
  // Most have none, which this tells in a fifth of the time of a regular expression.
  if (!SPECIAL.some((character) => text.includes(character))) return text;
  return text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] as string);
}

function ignore(): void {}
