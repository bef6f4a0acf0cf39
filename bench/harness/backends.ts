import { readFile } from "node:fs/promises";
import type pg from "pg";

/** Microseconds of CPU of each server process of this database, but the one that is asked; empty where there is no /proc. */
export async function usedByBackends(pool: pg.Pool): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query(
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  const used = new Map<number, number>();
  for (const { pid } of rows) {
    const stat = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => undefined);
    if (stat !== undefined) used.set(pid, Number(stat.split(" ")[0]) / 1_000);
  }
  return used;
}

/** What they have used between the two times, as far as they were there at the first. */
export function usedBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  let sum = 0;
  for (const [pid, used] of after) sum += used - (before.get(pid) ?? used);
  return sum;
}
