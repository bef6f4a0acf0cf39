import { claimBatch } from "../../src/postgres/batch.js";
import { sweep } from "../../src/postgres/takeover.js";
import type { Oracle, Violations } from "./oracle.js";
import { sleep } from "./random.js";
import { LEASE_MS, type World } from "./world.js";

interface QueueReport extends Violations {
  readonly queue: string;
  /** Messages that the queue had to get. */
  readonly committed: number;
  readonly delivered: number;
  readonly dead: number;
  /** Found in the tables after everything was finished. */
  readonly leftBehind: number;
}

export interface Report {
  readonly queues: readonly QueueReport[];
  readonly counts: Readonly<Record<string, number>>;
  /** Nothing that must be zero is not. */
  readonly ok: boolean;
}

const MUST_BE_ZERO = [
  "lost",
  "twice",
  "uncommitted",
  "early",
  "unwanted",
  "fenced",
  "finishedTwice",
  "inversions",
  "leftBehind",
] as const;

/** To be called after all consumers have ended. */
export async function reportOf(world: World): Promise<Report> {
  const claimable = await Promise.all(world.oracles.map((oracle) => claimRest(world, oracle)));
  await sleep(LEASE_MS);
  const names = world.oracles.map(({ queue }) => queue.name);
  await sweep(world.db, names, 0);
  const queues = await Promise.all(
    world.oracles.map(async (oracle, n) => ({
      queue: oracle.queue.name,
      committed: oracle.expected().length,
      delivered: oracle.claimedCount,
      dead: oracle.deadIds.size,
      ...oracle.violations(),
      leftBehind: (claimable[n] ?? 0) + (await countRows(world, oracle)),
    })),
  );
  const ok =
    queues.every((queue) => MUST_BE_ZERO.every((what) => queue[what] === 0)) &&
    queues.every(({ committed }) => committed > 0);
  return { queues, counts: world.counts, ok };
}

/** Claims what is left in the log, which should be nothing, and says how many messages that was. */
async function claimRest({ pool, db }: World, { queue }: Oracle): Promise<number> {
  const claimant = { session: null, leaseMs: 0 };
  const { rows } = await pool.query(
    "select topic from opinionated_events.queue_topic where queue = $1 and topic <> '*'",
    [queue.name],
  );
  let claimed = 0;
  for (const { topic } of rows) {
    for (let batch = await claimBatch(db, queue.name, topic, 1_000, claimant); batch; ) {
      claimed += batch.messages.length;
      batch = await claimBatch(db, queue.name, topic, 1_000, claimant);
    }
  }
  return claimed;
}

/** Leases that no sweep has ended, deliveries that are neither done nor dead, and dead ones that don't agree. */
async function countRows({ pool }: World, { queue, deadIds }: Oracle): Promise<number> {
  const { rows } = await pool.query(
    `select (select count(*) from opinionated_events.lease where queue = $1)::int as leases,
      (select count(*) from opinionated_events.delivery where queue = $1 and state <> 'dead')::int as open,
      array(select id::text from opinionated_events.delivery where queue = $1 and state = 'dead') as dead`,
    [queue.name],
  );
  const [{ leases, open, dead }] = rows;
  const agreed = dead.filter((id: string) => deadIds.has(id)).length;
  return leases + open + (dead.length - agreed) + (deadIds.size - agreed);
}

export function formatReport({ queues, counts, ok }: Report): string {
  const [first] = queues;
  const columns = Object.keys(first ?? {}) as (keyof QueueReport)[];
  const rows = [columns, ...queues.map((queue) => columns.map((column) => String(queue[column])))];
  const widths = columns.map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  const table = rows.map((row) => row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join("  "));
  const summary = Object.entries(counts).map(([what, n]) => `${n} ${what}`);
  return [...table, summary.sort().join(", "), ok ? "OK" : "FAILED"].join("\n");
}
