import type { Database } from "./database.js";

const sweepStatement = `select taken, next_ms, opinionated_events.suspect_deliveries($1, $2) from opinionated_events.sweep($1, $2)`;
const dropStatement = "select opinionated_events.drop_cursors($1)";

export interface SweepResult {
  /** Messages taken over from workers that are gone; they are due now. */
  readonly taken: number;
  /** Milliseconds until the next lease under suspicion ends; undefined if none is. */
  readonly nextMs: number | undefined;
}

/**
 * Takes over what workers have left that are gone. One whose session is gone has `graceMs` to renew first. Deliveries
 * are not taken over but come due by themselves.
 */
export async function sweep(
  db: Database,
  queues: readonly string[],
  graceMs: number,
): Promise<SweepResult> {
  const [row] = await db.run(sweepStatement, [queues, graceMs]);
  const [taken, nextMs, suspects] = row ?? [];
  const graceful = Number(suspects) > 0 ? graceMs : undefined;
  return { taken: Number(taken), nextMs: nextMs == null ? graceful : Number(nextMs) };
}

/** Drops the cursors of topics that a queue has been unsubscribed from, once no worker holds messages from there. */
export async function dropCursors(db: Database, queues: readonly string[]): Promise<void> {
  await db.run(dropStatement, [queues]);
}
