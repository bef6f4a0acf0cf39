import type { StoredMessage } from "../message/stored-message.js";
import { type Claimant, type Leftover, notIn, storedMessage } from "./batch.js";
import type { Cell, Database } from "./database.js";

/** A leased message that has a row of its own. */
export interface DeliveryKey {
  readonly queue: string;
  readonly position: string;
  readonly token: string;
}

export interface ClaimedDelivery {
  readonly key: DeliveryKey;
  /** This attempt's number. */
  readonly attempt: number;
  /** Workers that were lost while it may have been running. */
  readonly lost: number;
  readonly message: StoredMessage;
}

const claimStatement = `select token, position, attempt, lost, topic, name, id, key, payload, headers, published_at, deliver_at
    from opinionated_events.claim_deliveries($1, $2, $3, $4, $5, $6)`;
const settleStatement = "select opinionated_events.settle_deliveries($1, $2)";

/**
 * What to claim: at most `limit`, and at most `suspects` of those that may have killed a worker. Parked ones are among
 * them if `patterns`, what this process handles, match.
 */
export interface DeliveryRequest {
  readonly limit: number;
  readonly suspects: number;
  readonly patterns: readonly string[];
}

/** Leases due deliveries. */
export async function claimDeliveries(
  db: Database,
  queue: string,
  { limit, suspects, patterns }: DeliveryRequest,
  { session, leaseMs }: Claimant,
): Promise<readonly ClaimedDelivery[]> {
  const rows = await db.run(claimStatement, [queue, limit, suspects, patterns, session, leaseMs]);
  return rows.map((row) => claimedDelivery(queue, row));
}

export function claimedDelivery(queue: string, row: Cell[]): ClaimedDelivery {
  return {
    key: { queue, token: row[0] as string, position: row[1] as string },
    attempt: Number(row[2]),
    lost: Number(row[3]),
    message: storedMessage(row[4] as string, row, 5),
  };
}

export interface DeliveryProgress {
  readonly key: DeliveryKey;
  /** Undefined while the handler runs, which renews the lease. */
  readonly result: { readonly state: "done" } | Leftover | undefined;
}

/** Records outcomes, renews or ends the leases. Resolves with the deliveries that are no longer ours, which changed nothing. */
export async function settleDeliveries(
  db: Database,
  deliveries: readonly DeliveryProgress[],
  leaseMs: number,
): Promise<readonly DeliveryProgress[]> {
  return notIn(deliveries, await db.run(settleStatement, [deliveryValues(deliveries), leaseMs]));
}

/** The deliveries as JSON. */
export function deliveryValues(deliveries: readonly DeliveryProgress[]): string {
  const items = deliveries.map(({ key, result }, n) => {
    const { state, afterMs, reason, ranMs } = (result ?? {}) as Partial<Leftover>;
    return { n, ...key, state, after_ms: afterMs, reason, ran_ms: ranMs };
  });
  return JSON.stringify(items);
}
