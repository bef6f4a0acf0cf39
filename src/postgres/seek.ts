import type { StartAt } from "../message/start-at.js";
import type { Database } from "./database.js";
import { startValues } from "./subscription.js";

/** How a queue was moved on one topic. */
export interface Move {
  readonly topic: string;
  /** The position from which on it would have read. */
  readonly from: string;
  /** The position from which on it reads now, and before that what was not visible yet. */
  readonly to: string;
}

const meetStatement = "select opinionated_events.meet($1)";
const seekStatement = `select moved_topic, moved_from, moved_to
    from opinionated_events.seek($1, $2::timestamptz, $3, $4)`;

/** Another session and this one each wait for a row that the other has locked, and the server chose this one. */
const DEADLOCK = "40P01";
const ATTEMPTS = 5;

/** Lets a queue that reads every topic meet those that are new. */
export async function meetTopics(db: Database, queue: string): Promise<void> {
  await db.run(meetStatement, [queue]);
}

/** Moves a queue on a topic, or on all that it reads. A row a topic; `*` stands for those that it meets later. */
export async function seek(
  db: Database,
  queue: string,
  to: StartAt,
  topic: string | null,
): Promise<readonly Move[]> {
  const [time, position] = startValues(to);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const rows = await db.run(seekStatement, [queue, time, topic, position]);
      return rows.map(([moved, from, until]) => ({
        topic: moved as string,
        from: from as string,
        to: until as string,
      }));
    } catch (error) {
      if ((error as { code?: unknown }).code !== DEADLOCK || attempt === ATTEMPTS) throw error;
    }
  }
}
