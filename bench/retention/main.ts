/**
 * A steady load while the log forgets: a fast and a slow queue, and on the way a pg_dump that takes a minute and a transaction
 * that has published and stays open for a minute. Before it, the same load with nothing to forget, for comparison. Prints
 * the size of the log over time, and fails unless everything was handled, and dumped.
 *
 *   POSTGRES_BIN=/usr/lib/postgresql/15/bin npx tsx bench/retention/main.ts [--seconds 300] [--rate 2000] [--keep 60] [--baseline 60]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../../scripts/postgres-server.js";
import { postgresOperations } from "../../src/operations.js";
import { migrate } from "../../src/postgres.js";
import { slowDump, slowTransaction } from "./disturbances.js";
import { LoadGenerator } from "./load.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    rate: { type: "string", default: "2000" },
    keep: { type: "string", default: "60" },
    baseline: { type: "string", default: "60" },
  },
});
const seconds = Number(values.seconds);
const PRINT_SECONDS = 10;
const BATCH = 10;
const SLOW_MS = 20;

interface Report {
  readonly handled: number;
  readonly missing: number;
  /** The numbers of the first of them. */
  readonly firstMissing: readonly number[];
  readonly repeated: number;
  /** The message of the slow transaction was handled. */
  readonly late: boolean;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    await migrate(pool);
    await pool.query("create table business (n int)");
    if (!(await measure(pool, server.url))) process.exitCode = 1;
  } finally {
    await pool.end();
    await server.stop();
  }
}

async function measure(pool: pg.Pool, url: string): Promise<boolean> {
  const { retention } = postgresOperations({ pool });
  const workers = [await startWorker(url, "fast", 0), await startWorker(url, "slow", SLOW_MS)];
  const load = new LoadGenerator({ pool, ratePerSecond: Number(values.rate), batch: BATCH });
  await load.run(5);
  load.takeLatencies();
  await load.run(Number(values.baseline));
  const baseline = percentile(load.takeLatencies(), 0.99);
  console.log(`baseline: publish p99 ${baseline.toFixed(1)} ms`);

  await retention.keep(Number(values.keep) * 1_000);
  const fifth = (seconds / 5) * 1_000;
  const dumped = sleep(fifth).then(() => slowDump(url, fifth));
  const committed = sleep((seconds / 2) * 1_000).then(() => slowTransaction(pool, fifth));
  const all: number[] = [];
  for (let at = 0; at < seconds; at += PRINT_SECONDS) {
    await load.run(PRINT_SECONDS);
    const latencies = load.takeLatencies();
    all.push(...latencies);
    const { segments } = await retention.state();
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    console.log(
      `${at + PRINT_SECONDS} s: log ${(bytes / 1e6).toFixed(0)} MB in ${segments.length} segments, published ${load.published}, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`,
    );
  }
  const p99 = percentile(all, 0.99);
  console.log(`publish p99 ${p99.toFixed(1)} ms, ${(p99 / baseline).toFixed(2)} x its baseline`);
  const reports = await Promise.all(workers.map((worker) => worker.finish(load.published)));
  console.log(`published ${load.published}`, reports);
  for (const report of reports)
    if (report.missing > 0) await describeMissing(pool, report.firstMissing);
  await committed;
  return (await dumped) === 0 && reports.every(({ missing, late }) => missing === 0 && late);
}

/** What the database says of them. */
async function describeMissing(pool: pg.Pool, numbers: readonly number[]): Promise<void> {
  const { inspect } = postgresOperations({ pool });
  const found = await pool.query(
    `select id, position, xid::text, segment, published_at from opinionated_events.message
    where payload ->> 'n' = any ($1) order by position`,
    [numbers.map(String)],
  );
  for (const row of found.rows) console.log(row, (await inspect(row.id))?.queues);
  const windows = await pool.query(
    `select queue, seq, last, late::text, lo, hi, lo_head, head, lo_mark::text, mark::text, vis::text, cur::text, oldest
    from opinionated_events.batch order by queue, seq desc limit 20`,
  );
  console.log(
    numbers,
    windows.rows,
    (await pool.query("select * from opinionated_events.lease")).rows,
  );
}

async function startWorker(url: string, queue: string, delayMs: number) {
  const file = fileURLToPath(new URL("worker.ts", import.meta.url));
  const child = fork(file, [url, queue, String(delayMs)], { execArgv: ["--import", "tsx"] });
  await once(child, "message");
  const ask = async (total: number): Promise<Report> => {
    child.send(total);
    return (await once(child, "message"))[0];
  };
  return {
    /** When it has handled all, or nothing more for long. */
    async finish(total: number): Promise<Report> {
      let report = await ask(total);
      for (let still = 0; report.missing > 0 && still < 30; ) {
        await sleep(1_000);
        const next = await ask(total);
        still = next.handled > report.handled ? 0 : still + 1;
        report = next;
      }
      child.send(-1);
      await once(child, "exit");
      return { queue, ...report } as Report;
    },
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

await main();
