import type pg from "pg";
import { expect } from "vitest";
import { rows, until } from "./support.js";

/** Resolves when the client waits for a lock that another session holds. */
export function untilBlocked(pool: pg.Pool, client: pg.ClientBase): Promise<void> {
  return until(async () => {
    const blockers = "select cardinality(pg_blocking_pids($1)) > 0 as blocked";
    const { processID } = client as unknown as { processID: number };
    expect(await rows(pool, blockers, [processID])).toEqual([{ blocked: true }]);
  });
}
