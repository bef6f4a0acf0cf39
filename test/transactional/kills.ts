import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { createMessage } from "../../src/message/create-message.js";
import { append } from "../../src/postgres/log.js";
import { migrate } from "../../src/postgres/migrate.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { sleep } from "../simulator/random.js";

export interface KillOptions {
  /** An empty database. */
  readonly url: string;
  /** The tree that the workers run on. */
  readonly root: URL;
  readonly messages: number;
  readonly workers: number;
  /** Until so many kills hit a worker amid its transactions, workers are killed again and again. */
  readonly kills: number;
}

export interface KillReport {
  readonly messages: number;
  /** Times that the handler began. */
  readonly runs: number;
  /** Messages whose effect, and whose published message, is there once; more than once; never. */
  readonly once: number;
  readonly repeated: number;
  readonly missing: number;
  readonly kills: number;
  /** Kills that found transactions of the worker open. */
  readonly amidTransactions: number;
  /** Kills that found messages committed and not yet recorded as done. */
  readonly amidInbox: number;
  /** Messages that were taken for what kills workers, since they ran at several kills, and were then given another chance. */
  readonly revived: number;
  /** Rows that must be gone at the end: leases, deliveries, inbox. */
  readonly left: number;
}

const PUBLISHED_AT_ONCE = 1_000;
/** A worker lives so long at least and at most before it is killed, in ms. */
const LIFE_MS = [100, 900] as const;
/** Without progress for so long, in ms, what is missing is lost. */
const PATIENCE_MS = 30_000;

const TALLY = `
  select count(*) filter (where e.n = 1 and r.n = 1)::int as once,
    count(*) filter (where e.n > 1 or r.n > 1)::int as repeated,
    count(*) filter (where e.n is null or r.n is null)::int as missing
  from opinionated_events.message m
  left join (select id, count(*) n from effect group by id) e on e.id = m.id
  left join (select (payload #>> '{}')::uuid as id, count(*) n from opinionated_events.message
    where name = 'report.made' group by 1) r on r.id = m.id
  where m.name = 'job.run'`;

const LEFT = `
  select (select count(*) from opinionated_events.lease)::int
    + (select count(*) from opinionated_events.delivery)::int
    + (select count(*) from opinionated_events.inbox)::int as left`;

const REVIVE = `
  update opinionated_events.delivery set state = 'waiting', due_at = clock_timestamp() where state = 'dead'`;

/** Workers handle messages in transactions and are killed again and again; says what became of every message. */
export async function killWorkers(options: KillOptions): Promise<KillReport> {
  const pool = new pg.Pool({ connectionString: options.url });
  pool.on("error", () => {});
  const folder = await mkdtemp(join(tmpdir(), "kills-"));
  const runs = join(folder, "runs");
  try {
    await writeFile(runs, "");
    const counts = await run(pool, runs, options);
    const [tally] = (await pool.query(TALLY)).rows;
    const begun = (await readFile(runs, "utf8")).split("\n").length - 1;
    const { left } = (await pool.query(LEFT)).rows[0];
    return { messages: options.messages, runs: begun, ...tally, ...counts, left };
  } finally {
    await pool.end();
    await rm(folder, { recursive: true });
  }
}

async function run(
  pool: pg.Pool,
  runs: string,
  { url, root, messages, workers, kills }: KillOptions,
) {
  await migrate(pool);
  await pool.query("create table effect (id uuid not null)");
  await pool.query("select opinionated_events.subscribe('q', 'job.run')");
  const counts = { kills: 0, amidTransactions: 0, amidInbox: 0, revived: 0 };
  let finished = false;
  const places = Array.from({ length: workers }, async (_, n) => {
    for (let life = 1; !finished; life += 1) {
      const name = `worker ${n} ${life}`;
      const child = await start(root, url, name, runs);
      const dies = async () => {
        await sleep(LIFE_MS[0] + Math.random() * (LIFE_MS[1] - LIFE_MS[0]));
        return counts.amidTransactions < kills;
      };
      while (!finished && !(await dies()));
      await look(pool, name, counts);
      await kill(child);
    }
  });
  for (let n = 0; n < messages; n += PUBLISHED_AT_ONCE) {
    const count = Math.min(PUBLISHED_AT_ONCE, messages - n);
    const batch = Array.from({ length: count }, (_, i) => createMessage("job.run", n + i));
    await append(pool, DEFAULT_SCHEMA, batch);
  }
  await untilDone(pool, messages, counts);
  finished = true;
  await Promise.all(places);
  return counts;
}

async function start(root: URL, url: string, name: string, runs: string): Promise<ChildProcess> {
  const worker = fileURLToPath(new URL("test/transactional/worker.js", root));
  const child = fork(worker, [url, name, runs], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

type Counts = Record<"kills" | "amidTransactions" | "amidInbox" | "revived", number>;

/** What a kill is about to hit. */
async function look(pool: pg.Pool, name: string, counts: Counts): Promise<void> {
  const { rows } = await pool.query(
    `select exists (select from pg_stat_activity where application_name = $1 and xact_start is not null) as open,
      exists (select from opinionated_events.inbox) as committed`,
    [name],
  );
  counts.kills += 1;
  if (rows[0].open) counts.amidTransactions += 1;
  if (rows[0].committed) counts.amidInbox += 1;
}

/** Until every message has its effect and nothing is left to record, or nothing has moved for a long time. */
async function untilDone(pool: pg.Pool, messages: number, counts: Counts): Promise<void> {
  let seen = -1;
  let movedAt = performance.now();
  while (performance.now() - movedAt < PATIENCE_MS) {
    counts.revived += (await pool.query(REVIVE)).rowCount ?? 0;
    const { left } = (await pool.query(LEFT)).rows[0];
    const { rows } = await pool.query("select count(distinct id)::int as n from effect");
    if (rows[0].n === messages && left === 0) return;
    if (rows[0].n + left !== seen) movedAt = performance.now();
    seen = rows[0].n + left;
    await sleep(200);
  }
}
