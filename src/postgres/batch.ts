import { StoredMessage } from "../message/stored-message.js";
import type { Cell, Database } from "./database.js";
import { type ClaimedMessage, unpack } from "./packed.js";

/** A leased run of messages of one queue and topic. */
export interface BatchKey {
  readonly queue: string;
  readonly topic: string;
  readonly seq: string;
  readonly token: string;
}

export interface ClaimedBatch {
  readonly key: BatchKey;
  readonly messages: readonly ClaimedMessage[];
  /** Nothing else was there when it was claimed. */
  readonly exhausted: boolean;
}

/** Who claims: `session` is the application_name that lives as long as this process, null if there is none. */
export interface Claimant {
  readonly session: string | null;
  readonly leaseMs: number;
}

/** The state that a message is left in when its attempt did not end well, or never began. */
export interface Leftover {
  readonly state: "waiting" | "scheduled" | "retrying" | "parked" | "held" | "dead";
  readonly afterMs?: number;
  /** Attempts begun. */
  readonly attempt: number;
  readonly reason?: object;
  /** How long the attempt took that failed, in ms; undefined if there was none. */
  readonly ranMs?: number;
}

const claimStatement =
  "select seq, token, messages, exhausted from opinionated_events.claim_packed($1, $2, $3, $4, $5)";
const settleStatement = "select opinionated_events.settle_batches($1, $2, $3)";

/**
 * Leases the next batch of at most `limit` messages; undefined if there is none. Rejects with an error that
 * `isUnsubscribed` knows if the queue does not read the topic.
 */
export async function claimBatch(
  db: Database,
  queue: string,
  topic: string,
  limit: number,
  { session, leaseMs }: Claimant,
): Promise<ClaimedBatch | undefined> {
  const rows = await db.run(claimStatement, [queue, topic, limit, session, leaseMs]);
  return claimedBatch(queue, topic, rows);
}

/** One row has the lease, and most messages. */
export function claimedBatch(
  queue: string,
  topic: string,
  rows: readonly Cell[][],
): ClaimedBatch | undefined {
  const lease = rows.find(([seq]) => seq !== null);
  if (lease === undefined) return undefined;
  const key = { queue, topic, seq: lease[0] as string, token: lease[1] as string };
  const texts = rows.map(([, , messages]) => messages).filter((text) => text != null);
  return { key, messages: unpack(topic, texts), exhausted: lease[3] === "t" };
}

export function isUnsubscribed(error: unknown): boolean {
  return (error as { code?: unknown }).code === "P0002";
}

/** Columns from `at`: name, id, key, payload, headers, published_at, deliver_at. */
export function storedMessage(topic: string, row: Cell[], at: number): StoredMessage {
  return new StoredMessage({
    topic,
    name: row[at] as string,
    id: row[at + 1] as string,
    key: row[at + 2] ?? undefined,
    json: row[at + 3] as string,
    headersJson: row[at + 4] ?? null,
    publishedAt: row[at + 5] as string,
    deliverAt: row[at + 6] ?? null,
  });
}

export interface BatchProgress {
  readonly key: BatchKey;
  /** The positions that are settled so far; undefined if all are, which ends the lease. */
  readonly done: readonly string[] | undefined;
  /** Of an ordered queue: keys of messages that are not settled. */
  readonly keys?: readonly string[];
  /** Those of them that need a row of their own, as far as they were not recorded before. */
  readonly leftovers: ReadonlyMap<string, Leftover>;
}

/** Records progress, renews or ends the leases. Resolves with the batches that are no longer ours, which changed nothing. */
export async function settleBatches(
  db: Database,
  batches: readonly BatchProgress[],
  leaseMs: number,
): Promise<readonly BatchProgress[]> {
  return notIn(batches, await db.run(settleStatement, [...batchValues(batches), leaseMs]));
}

/** What the statements that settle batches take: the batches and their leftovers, as JSON. */
export function batchValues(batches: readonly BatchProgress[]): [string, string | null] {
  const items = batches.map(({ key, done, keys }, n) => ({ n, ...key, done, keys }));
  const leftovers = batches.flatMap((batch, n) =>
    [...batch.leftovers].map(([position, { afterMs, ranMs, ...rest }]) => ({
      n,
      position,
      after_ms: afterMs,
      ran_ms: ranMs,
      ...rest,
    })),
  );
  return [JSON.stringify(items), leftovers.length > 0 ? JSON.stringify(leftovers) : null];
}

/** The items whose index the rows do not name. */
export function notIn<T>(items: readonly T[], rows: readonly Cell[][]): readonly T[] {
  if (rows.length === items.length) return [];
  const named = new Set(rows.map(([n]) => Number(n)));
  return items.filter((_, n) => !named.has(n));
}
