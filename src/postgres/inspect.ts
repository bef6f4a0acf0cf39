import type { StoredMessage } from "../message/stored-message.js";
import { storedMessage } from "./batch.js";
import type { Cell, Database } from "./database.js";

export interface FoundMessage {
  readonly position: string;
  readonly message: StoredMessage;
}

/** What became of a message in one queue, as the database says it. */
export interface FateRow {
  readonly queue: string;
  readonly state: string;
  readonly attempt: number | undefined;
  readonly dueAt: string | undefined;
  readonly since: string | undefined;
  readonly worker: string | undefined;
  /** JSON. */
  readonly reason: string | undefined;
}

const findStatement = `select topic, position, name, id, key, payload, headers, published_at, deliver_at
    from opinionated_events.find_message($1)`;
const inspectStatement = `select queue, state, attempt, due_at, since, worker, reason
    from opinionated_events.inspect($1)`;

/** The message from the log, else from a delivery; undefined if neither has it. */
export async function findMessage(db: Database, id: string): Promise<FoundMessage | undefined> {
  const [row] = await db.run(findStatement, [id]);
  return row && { position: row[1] as string, message: storedMessage(row[0] as string, row, 2) };
}

/** One for each queue, by name. */
export async function fatesOf(db: Database, id: string): Promise<readonly FateRow[]> {
  const rows = await db.run(inspectStatement, [id]);
  return rows.map(fateRow);
}

function fateRow([queue, state, attempt, dueAt, since, worker, reason]: Cell[]): FateRow {
  return {
    queue: queue as string,
    state: state as string,
    attempt: attempt == null ? undefined : Number(attempt),
    dueAt: dueAt ?? undefined,
    since: since ?? undefined,
    worker: worker ?? undefined,
    reason: reason ?? undefined,
  };
}
