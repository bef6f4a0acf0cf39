import type { StoredMessage } from "../message/stored-message.js";
import { storedMessage } from "./batch.js";
import type { Cell, Database } from "./database.js";

/** What a dead letter must be to be meant, as JSON: {queue, topic, name, key, id, code, diedAfter, diedBefore}. */
export type FilterJson = string;

/** A row of its own that is dead. */
export interface StoredDeadLetter {
  /** The number of its death. */
  readonly died: string;
  readonly queue: string;
  readonly message: StoredMessage;
  /** {code, message, stack}. */
  readonly reasonJson: string;
  /** [{attempt, beganAt, failedAt, code, message}]. */
  readonly failuresJson: string;
  readonly diedAt: string;
  readonly redriven: number;
}

const FIRST = "0";
const LAST = String(2n ** 63n - 1n);

const listStatement = `select died, queue, topic, reason, failures, changed_at, redriven,
    name, id, key, payload, headers, published_at, deliver_at
    from opinionated_events.list_dead($1, $2, $3, $4, $5)`;
const countStatement = "select opinionated_events.count_dead($1)";
const lastStatement = "select opinionated_events.last_death()";
const redriveStatement = "select done, go_on from opinionated_events.redrive_dead($1, $2, $3, $4)";
const purgeStatement = "select done, go_on from opinionated_events.purge_dead($1, $2, $3, $4)";

/** At most `limit`, in the order of their deaths, or `newest` first; those beyond the death `after`, if that is given. */
export async function listDead(
  db: Database,
  filter: FilterJson,
  { newest, limit, after }: { newest: boolean; limit: number; after: string | undefined },
): Promise<readonly StoredDeadLetter[]> {
  const low = newest ? FIRST : (after ?? FIRST);
  // Up to the number before it: the upper bound is included.
  const high = newest && after !== undefined ? String(BigInt(after) - 1n) : LAST;
  const rows = await db.run(listStatement, [filter, low, high, newest, limit]);
  return rows.map(storedDeadLetter);
}

export async function countDead(db: Database, filter: FilterJson): Promise<number> {
  const [row] = await db.run(countStatement, [filter]);
  return Number(row?.[0]);
}

/** The number of the last death so far: all that is dead has one up to it. */
export async function lastDeath(db: Database): Promise<string> {
  const [row] = await db.run(lastStatement, []);
  return row?.[0] as string;
}

/** Deaths after one and up to another one. */
export interface DeathRange {
  readonly after: string;
  readonly bound: string;
}

export interface DeadStep {
  readonly done: number;
  /** The last death that was looked at; undefined if none is left. */
  readonly goOn: string | undefined;
}

/** Gives at most `limit` back, in one transaction. */
export function redriveDead(
  db: Database,
  filter: FilterJson,
  range: DeathRange,
  limit: number,
): Promise<DeadStep> {
  return runStep(db, redriveStatement, filter, range, limit);
}

/** Deletes at most `limit`, in one transaction. */
export function purgeDead(
  db: Database,
  filter: FilterJson,
  range: DeathRange,
  limit: number,
): Promise<DeadStep> {
  return runStep(db, purgeStatement, filter, range, limit);
}

async function runStep(
  db: Database,
  statement: string,
  filter: FilterJson,
  { after, bound }: DeathRange,
  limit: number,
): Promise<DeadStep> {
  const [row] = await db.run(statement, [filter, after, bound, limit]);
  return { done: Number(row?.[0]), goOn: row?.[1] ?? undefined };
}

function storedDeadLetter(row: Cell[]): StoredDeadLetter {
  return {
    died: row[0] as string,
    queue: row[1] as string,
    message: storedMessage(row[2] as string, row, 7),
    reasonJson: row[3] as string,
    failuresJson: row[4] as string,
    diedAt: row[5] as string,
    redriven: Number(row[6]),
  };
}
