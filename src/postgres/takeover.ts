import type { Database } from "./database.js";

const sweepStatement = `select taken, next_ms, opinionated_events.suspect_deliveries($1, $2), cleared_at
  from opinionated_events.sweep($1, $2, $3, $4)`;
const dropStatement = "select opinionated_events.drop_cursors($1)";

export interface SweepResult {
  /** Messages taken over from workers that are gone; they are due now. */
  readonly taken: number;
  /** Milliseconds until the next lease under suspicion ends; undefined if none is. */
  readonly nextMs: number | undefined;
  /** For the next sweep: nobody holds a lease as long as nobody has drawn since; undefined if that can't be said. */
  readonly cleared: string | undefined;
}

/** What is known of the queues, as numbers of draws. */
export interface Known {
  /** As the last poll of them has said. */
  readonly settled?: string | undefined;
  /** As the last sweep of them has said. */
  readonly cleared?: string | undefined;
}

/**
 * Takes over what workers have left that are gone. One whose session is gone has `graceMs` to renew first. Deliveries
 * are not taken over but come due by themselves. By what is known it looks at no lease as long as there can be none.
 */
export async function sweep(
  db: Database,
  queues: readonly string[],
  graceMs: number,
  { settled, cleared }: Known = {},
): Promise<SweepResult> {
  const [row] = await db.run(sweepStatement, [queues, graceMs, settled ?? null, cleared ?? null]);
  const [taken, nextMs, suspects, clearedAt] = row ?? [];
  const graceful = Number(suspects) > 0 ? graceMs : undefined;
  return {
    taken: Number(taken),
    nextMs: nextMs == null ? graceful : Number(nextMs),
    cleared: clearedAt ?? undefined,
  };
}

/** Drops the cursors of topics that a queue has been unsubscribed from, once no worker holds messages from there. */
export async function dropCursors(db: Database, queues: readonly string[]): Promise<void> {
  await db.run(dropStatement, [queues]);
}
