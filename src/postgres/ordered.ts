import {
  type BatchKey,
  type BatchProgress,
  batchValues,
  type Claimant,
  type ClaimedBatch,
  claimedBatch,
  notIn,
} from "./batch.js";
import type { Cell, Database } from "./database.js";
import {
  type ClaimedDelivery,
  claimedDelivery,
  type DeliveryKey,
  type DeliveryProgress,
  type DeliveryRequest,
  deliveryValues,
} from "./delivery.js";

const claimStatement = `select seq, token, messages, exhausted, behind
    from opinionated_events.claim_ordered_packed($1, $2, $3, $4, $5, $6)`;
const settleStatement =
  "select n, released from opinionated_events.settle_ordered_batches($1, $2, $3, $4)";
const claimDeliveriesStatement = `select token, position, attempt, lost, topic, name, id, key, payload, headers, published_at, deliver_at
    from opinionated_events.claim_ordered_deliveries($1, $2, $3, $4, $5, $6, $7)`;
const abandonStatement = "select opinionated_events.abandon($1, $2, $3)";
const settleDeliveriesStatement =
  "select n, released from opinionated_events.settle_ordered_deliveries($1, $2, $3)";

/** `worker` is the process: of a key under its own leases it is given more, which it runs after what it has. */
export interface OrderedClaimant extends Claimant {
  readonly worker: string;
}

export interface OrderedBatch extends ClaimedBatch {
  /** Messages that were put behind others of their key, in deliveries. Without any other message nothing is leased. */
  readonly behind: number;
}

/** As `claimBatch`, for an ordered queue. */
export async function claimOrderedBatch(
  db: Database,
  queue: string,
  topic: string,
  limit: number,
  { session, leaseMs, worker }: OrderedClaimant,
): Promise<OrderedBatch | undefined> {
  const rows = await db.run(claimStatement, [queue, topic, limit, session, leaseMs, worker]);
  const batch = claimedBatch(queue, topic, rows);
  const behind = rows.find(([seq]) => seq !== null)?.[4];
  return batch && { ...batch, behind: Number(behind) };
}

export interface Recorded<P> {
  /** No longer ours, which changed nothing. If any is, none was recorded. */
  readonly lost: readonly P[];
  /** Messages that had been held are due now. */
  readonly isDue: boolean;
}

/** As `settleBatches`, for batches of one ordered queue. */
export async function settleOrderedBatches(
  db: Database,
  queue: string,
  batches: readonly BatchProgress[],
  leaseMs: number,
): Promise<Recorded<BatchProgress>> {
  const values = [queue, ...batchValues(batches), leaseMs];
  return recorded(batches, await db.run(settleStatement, values));
}

/** As `claimDeliveries`, for an ordered queue: at most `run` of a key, which come in their order. */
export async function claimOrderedDeliveries(
  db: Database,
  queue: string,
  { limit, suspects, patterns, run }: DeliveryRequest & { readonly run: number },
  { session, leaseMs }: Claimant,
): Promise<readonly ClaimedDelivery[]> {
  const values = [queue, limit, suspects, patterns, session, leaseMs, run];
  const rows = await db.run(claimDeliveriesStatement, values);
  return rows.map((row) => claimedDelivery(queue, row));
}

/** As `settleDeliveries`, for deliveries of one ordered queue. */
export async function settleOrderedDeliveries(
  db: Database,
  queue: string,
  deliveries: readonly DeliveryProgress[],
  leaseMs: number,
): Promise<Recorded<DeliveryProgress>> {
  const values = [queue, deliveryValues(deliveries), leaseMs];
  return recorded(deliveries, await db.run(settleDeliveriesStatement, values));
}

/** Says that this process has dropped batches and deliveries of the queue, so that others have them after `graceMs`. */
export async function abandon(
  db: Database,
  queue: string,
  held: readonly (BatchKey | DeliveryKey)[],
  graceMs: number,
): Promise<void> {
  await db.run(abandonStatement, [queue, JSON.stringify(held), graceMs]);
}

function recorded<P>(progress: readonly P[], rows: readonly Cell[][]): Recorded<P> {
  return { lost: notIn(progress, rows), isDue: rows.some(([, released]) => released !== "0") };
}
