import type { ChildProcess } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import type { Pool } from "pg";
import type { Processes } from "./processes.js";

const TRIES = 100;

/**
 * Kills the worker of a queue while it has batches in hand, and resolves with their number; with 0 if
 * it could not be caught at work. It is frozen for each look, so that what is seen stays true.
 */
export async function killAtWork(
  pool: Pool,
  processes: Processes,
  queue: string,
  worker: ChildProcess,
): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    worker.kill("SIGSTOP");
    const batches = await batchesInHand(pool, queue);
    if (batches > 0) {
      await processes.kill(worker);
      return batches;
    }
    worker.kill("SIGCONT");
    await setTimeout(10);
  }
  return 0;
}

async function batchesInHand(pool: Pool, queue: string): Promise<number> {
  const { rows } = await pool.query(
    "select count(*)::int from opinionated_events.lease where queue = $1",
    [queue],
  );
  return rows[0].count;
}
