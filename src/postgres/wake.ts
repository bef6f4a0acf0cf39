import type { Database } from "./database.js";

export interface Handled {
  readonly queue: string;
  /** The names and patterns that this process has handlers for. */
  readonly patterns: readonly string[];
}

export interface PollResult {
  /** Cursors that may have something to claim. */
  readonly news: readonly { readonly queue: string; readonly topic: string }[];
  /** Milliseconds until a queue's next delivery is due, 0 if one is due now. Queues without one are missing. */
  readonly due: ReadonlyMap<string, number>;
  /** For the next poll: there is no news as long as nobody has drawn since; undefined if that can't be said. */
  readonly settled: string | undefined;
  /** How long the server took for it, in ms. */
  readonly tookMs: number;
}

/** Transactions that may have published before they could see that a receiver is idle. */
export interface Watch {
  readonly inFlight: string;
  readonly mark: string;
}

const pollStatement =
  "select queue, topic, due_ms, settled_at from opinionated_events.poll($1, $2)";
const NEVER_SETTLED = "-1";
const idleStatement = "select in_flight, mark from opinionated_events.declare_idle($1)";
const inFlightStatement = "select opinionated_events.is_in_flight($1, $2)";
const notifyStatement = "select pg_notify($1, '')";

/**
 * One statement for all queues of a process, however many. `settled` is what the poll before has said: it looks for no news
 * as long as that holds.
 */
export async function poll(
  db: Database,
  handled: readonly Handled[],
  settled: string = NEVER_SETTLED,
): Promise<PollResult> {
  const rows = await db.run(pollStatement, [JSON.stringify(handled), settled]);
  const news: { queue: string; topic: string }[] = [];
  const due = new Map<string, number>();
  for (const [queue, topic, dueMs] of rows) {
    if (typeof topic === "string") news.push({ queue: queue as string, topic });
    else if (typeof queue === "string" && typeof dueMs === "string")
      due.set(queue, Math.max(0, Number(dueMs)));
  }
  const [, , tookMs, settledAt] = rows.at(-1) ?? [];
  return { news, due, settled: settledAt ?? undefined, tookMs: Number(tookMs) };
}

/** Asks publishers to notify for the next `forMs`. */
export async function declareIdle(db: Database, forMs: number): Promise<Watch> {
  const [row] = await db.run(idleStatement, [forMs]);
  return { inFlight: row?.[0] as string, mark: row?.[1] as string };
}

export async function isInFlight(db: Database, { inFlight, mark }: Watch): Promise<boolean> {
  const [row] = await db.run(inFlightStatement, [inFlight, mark]);
  return row?.[0] === "t";
}

/** Notifies those who listen to the schema's channel, as a publish does. */
export async function notifyChannel(db: Database): Promise<void> {
  await db.run(notifyStatement, [db.schema]);
}
