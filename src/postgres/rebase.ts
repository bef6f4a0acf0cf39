import { EventsError } from "../message/errors.js";
import type { Cell, Database } from "./database.js";
import { patiently } from "./patience.js";

export const rebaseStatement = "select batches, messages from opinionated_events.rebase_restored()";

const PATIENCE_MS = 10_000;

/**
 * Rebases a log that was restored from another cluster. Resolves with what its operator should know, or with undefined if
 * there was nothing to do. Rejects with `CLUSTER_CHANGED` if it can't be done now.
 */
export async function rebaseRestored(db: Database): Promise<EventsError | undefined> {
  try {
    const [row] = await patiently(PATIENCE_MS, () => db.run(rebaseStatement, []));
    return row && rebased(db.schema, row);
  } catch (error) {
    if (error instanceof EventsError) throw error;
    const { message } = error as Error;
    const text = `The log of the schema ${db.schema} was restored from another cluster, and can't be rebased (${message}): run migrate(pool, { schema: "${db.schema}" }).`;
    throw new EventsError("CLUSTER_CHANGED", text, { cause: error });
  }
}

function rebased(schema: string, [batches, messages]: Cell[]): EventsError {
  const text =
    `The log of the schema ${schema} was restored from another cluster, and is rebased: ${batches} batches with ${messages} messages ` +
    "were in hand when it was copied. They come again, and so does what was handled elsewhere since.";
  return new EventsError("CLUSTER_CHANGED", text);
}
