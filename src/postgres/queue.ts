import { EventsError } from "../message/errors.js";
import type { Database } from "./database.js";

const declareStatement = "select opinionated_events.declare_queue($1, $2)";

/** Creates the queue if it is new. Rejects with `QUEUE_CONFLICT` if it is ordered and should not be, or the reverse. */
export async function declareQueue(
  db: Database,
  queue: string,
  { ordered }: { readonly ordered: boolean },
): Promise<void> {
  const [row] = await db.run(declareStatement, [queue, ordered]);
  const is = row?.[0] === "t";
  if (is === ordered) return;
  const [now, asked] = is ? ["ordered", "not"] : ["not ordered", "that"];
  throw new EventsError(
    "QUEUE_CONFLICT",
    `The queue ${queue} is ${now}, and this receiver asks for ${asked}. Give the option its other processes give, or stop them all and run: select ${db.schema}.set_ordered('${queue}', ${ordered})`,
  );
}
