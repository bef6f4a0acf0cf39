import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { createMessage } from "../src/index.js";
import { migrate, postgresDestination } from "../src/postgres.js";
import { checkOrder } from "./order.js";

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    keys: { type: "string", default: "1000" },
    workers: { type: "string", default: "4" },
    failing: { type: "string", default: "0.1" },
    kills: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const MESSAGES = Number(options.messages);
const KEYS = Number(options.keys);
const BATCH = 1_000;

/** Worker processes drain an ordered queue; some attempts fail, and workers are killed. npx tsx bench/ordered.ts */
async function main(): Promise<void> {
  const server = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), "ordered-"));
  const pool = new pg.Pool({ connectionString: server.url });
  try {
    await migrate(pool);
    await publish(pool);
    await measure(pool, server.url, join(folder, "attempts"));
  } finally {
    await pool.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Between two kills, in ms. */
function randomPause(): number {
  return 1_000 + Math.random() * 8_000;
}

async function publish(pool: pg.Pool): Promise<void> {
  const destination = postgresDestination({ pool });
  const { signal } = new AbortController();
  for (let from = 0; from < MESSAGES; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      return createMessage("entity.changed", Math.floor(n / KEYS), { key: `k${n % KEYS}` });
    });
    await destination.deliver(batch, { signal });
  }
}

async function measure(pool: pg.Pool, url: string, file: string): Promise<void> {
  await writeFile(file, "");
  const killed = new Set<number>();
  const start = () =>
    spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        fileURLToPath(new URL("ordered-worker.ts", import.meta.url)),
        url,
        file,
        options.failing,
      ],
      { stdio: "inherit" },
    );
  const workers: ChildProcess[] = Array.from({ length: Number(options.workers) }, start);
  const startedAt = performance.now();
  let nextKill = startedAt + randomPause();
  while (!(await isDone(pool))) {
    await sleep(100);
    if (!options.kills || performance.now() < nextKill) continue;
    nextKill = performance.now() + randomPause();
    const victim = Math.floor(Math.random() * workers.length);
    killed.add(workers[victim]?.pid ?? 0);
    workers[victim]?.kill("SIGKILL");
    workers[victim] = start();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const worker of workers) worker.kill("SIGKILL");
  const dead = await deadOf(pool);
  const report = checkOrder(await readFile(file, "utf8"), killed, dead);
  const lost = MESSAGES - dead.size - report.handled;
  console.log(
    `${MESSAGES} messages, ${KEYS} keys, ${workers.length} workers, ${killed.size} killed: ${Math.round(MESSAGES / seconds)} /s in ${seconds.toFixed(1)} s`,
  );
  console.log(`${JSON.stringify({ lost, dead: dead.size, ...report })}`);
  if (lost > 0 || report.reordered > 0 || report.overlaps > 0) process.exitCode = 1;
}

/** The key and number of each message that was running at several kills: it is taken for their cause. */
async function deadOf(pool: pg.Pool): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query("select key, payload from opinionated_events.dead_letter");
  return new Set(rows.map(({ key, payload }) => `${key} ${payload}`));
}

async function isDone(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `select sum(lag)::int as lag, sum(leased_batches + waiting + scheduled + retrying + parked + held)::int as open
     from opinionated_events.queue_state where queue = 'ordered'`,
  );
  return rows[0].lag === 0 && rows[0].open === 0;
}

await main();
