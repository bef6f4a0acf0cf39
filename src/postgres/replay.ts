import type { Database } from "./database.js";

/** Which messages of the log are meant; what is null leaves nothing out. */
export interface Selection {
  readonly queue: string;
  readonly name: string | null;
  readonly key: string | null;
  /** ISO 8601; the first included, the second not. */
  readonly fromTime: string | null;
  readonly toTime: string | null;
}

/** The messages of a topic with a position above `low`, up to `high`. */
export interface Stretch {
  readonly topic: string;
  readonly low: string;
  readonly high: string;
}

const stretchesStatement = `select topic, low, high
    from opinionated_events.replay_stretches($1, $2, $3::timestamptz, $4, $5)`;
const replayStatement = `select given, reached
    from opinionated_events.replay($1, $2, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz, $9)`;

/** What there is to look through now, on one topic or on all that the queue reads. */
export async function stretches(
  db: Database,
  { queue, fromTime }: Selection,
  topic: string | null,
  positions: { readonly from: string | null; readonly to: string | null },
): Promise<readonly Stretch[]> {
  const values = [queue, topic, fromTime, positions.from, positions.to];
  const rows = await db.run(stretchesStatement, values);
  return rows.map(([name, low, high]) => ({
    topic: name as string,
    low: low as string,
    high: high as string,
  }));
}

/** Gives the queue at most `limit` messages of the stretch, and says how far it has looked. */
export async function replayStep(
  db: Database,
  { queue, name, key, fromTime, toTime }: Selection,
  { topic, low, high }: Stretch,
  limit: number,
): Promise<{ readonly given: number; readonly reached: string }> {
  const values = [queue, topic, low, high, name, key, fromTime, toTime, limit];
  const [row] = await db.run(replayStatement, values);
  return { given: Number(row?.[0]), reached: row?.[1] as string };
}
