import type pg from "pg";
import { postgresOperations } from "../../src/operations.js";

const SHOWN = 10;

/** What the database says of messages that are lost: a line each of the first. */
export async function fatesOf(pool: pg.Pool, ids: readonly string[]): Promise<string[]> {
  const { inspect } = postgresOperations({ pool });
  const lines: string[] = [];
  for (const id of ids.slice(0, SHOWN)) {
    const found = await inspect(id);
    const fates = found?.queues.map(({ queue, state }) => `${queue} ${state}`).join(", ");
    lines.push(found ? `${id} at ${found.position}: ${fates}` : `${id} is not in the log`);
  }
  return lines;
}
