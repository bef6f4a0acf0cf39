import type { Database } from "./database.js";

const forgetStatement = "select opinionated_events.forget_dedup_keys($1)";

/** Deletes at most `limit` dedup keys whose window is over. Resolves with how many it has deleted. */
export async function forgetDedupKeys(db: Database, limit: number): Promise<number> {
  const [row] = await db.run(forgetStatement, [limit]);
  return Number(row?.[0]);
}
