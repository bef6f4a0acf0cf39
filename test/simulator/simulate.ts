import pg from "pg";
import { migrate } from "../../src/postgres/migrate.js";
import { sweep } from "../../src/postgres/takeover.js";
import { createBusinessTables } from "./business.js";
import { describeMissing } from "./missing.js";
import { publishAll } from "./publisher.js";
import { INITIAL_QUEUES, lateQueue } from "./queue.js";
import { Random, sleep } from "./random.js";
import { type Report, reportOf } from "./report.js";
import { forgetOften, repeatOften, turnOften } from "./segments.js";
import { startQueue } from "./worker.js";
import { World } from "./world.js";

export interface SimulationOptions {
  /** An empty database. */
  readonly url: string;
  readonly seconds: number;
  readonly seed: number;
  /** Rebases the log again and again. */
  readonly rebase?: boolean;
  /** Forgets what nobody needs, again and again. Queues that come later begin at now. */
  readonly forget?: boolean;
  /** Without progress for so long, in ms, what is missing is lost. Default 15,000. */
  readonly patienceMs?: number;
  /** Changes the engine before the run. */
  readonly prepare?: (pool: pg.Pool) => Promise<void>;
}

const CONNECTIONS = 50;
/** How long each publisher keeps a transaction open at least, in ms. */
const PUBLISHERS = [0, 0, 0, 0, 0, 0, 0, 0, 400, 2_500];
/** A rebase waits for all of them, and everything for it. */
const PUBLISHERS_BESIDE_REBASES = [0, 0, 0, 0, 0, 0, 0, 0, 50, 200];
const REBASE_PAUSE_MS = 60;
/** Phases of a run: in each a queue subscribes. */
const PHASES = 6;
const PATIENCE_MS = 15_000;
const SEGMENTS = 8;

/** Publishes and consumes under random concurrency, and says what became of every message. */
export async function simulate(options: SimulationOptions): Promise<Report> {
  const pool = new pg.Pool({ connectionString: options.url, max: CONNECTIONS });
  pool.on("error", () => {});
  try {
    await migrate(pool);
    await createBusinessTables(pool);
    await options.prepare?.(pool);
    const { rows } = await pool.query("show max_prepared_transactions");
    const canPrepare = Number(rows[0].max_prepared_transactions) > 0;
    if (!canPrepare) console.log("no prepared transactions: max_prepared_transactions is 0");
    const world = new World(pool, new Random(options.seed), canPrepare);
    await run(world, options);
    return await reportOf(world);
  } finally {
    await pool.end();
  }
}

async function run(world: World, options: SimulationOptions): Promise<void> {
  for (const queue of INITIAL_QUEUES) await startQueue(world, queue);
  const turning = options.forget
    ? forgetOften(world)
    : turnOften(world, (options.seconds * 1_000) / SEGMENTS);
  const sweeping = Promise.all([sweepAll(world), sweepAll(world), turning]);
  const publishers = options.rebase ? PUBLISHERS_BESIDE_REBASES : PUBLISHERS;
  const publishing = Promise.all([
    ...publishers.map((openMs) => publishAll(world, openMs)),
    writeElsewhere(world),
    options.rebase && rebaseOften(world),
    options.forget || repeatOften(world),
  ]);
  await disturb(world, options);
  world.phase = "draining";
  await publishing;
  await drain(world, options.patienceMs ?? PATIENCE_MS);
  for (const line of await describeMissing(world)) console.log(line);
  world.phase = "done";
  await Promise.all([sweeping, world.settled()]);
}

/** Queues subscribe and topics appear while messages are on their way. */
async function disturb(world: World, { seconds, forget }: SimulationOptions): Promise<void> {
  for (let phase = 0; phase < PHASES; phase += 1) {
    await sleep((seconds * 1_000) / (PHASES + 1));
    await startQueue(world, lateQueue(phase, forget ? "now" : undefined));
    if (phase === 1) world.topics = ["b", "c", "d"];
  }
  await sleep((seconds * 1_000) / (PHASES + 1));
}

async function rebaseOften(world: World): Promise<void> {
  while (world.phase === "publishing") {
    await sleep(world.random.below(REBASE_PAUSE_MS));
    const done = await world.attempt(() => world.pool.query("select opinionated_events.rebase()"));
    if (done) world.count("rebases");
  }
}

/** Takes over from workers that are lost. */
async function sweepAll(world: World): Promise<void> {
  while (world.phase !== "done") {
    const queues = world.oracles.map(({ queue }) => queue.name);
    const swept = await world.attempt(() => sweep(world.db, queues, 0));
    world.count("taken over", swept?.taken ?? 0);
    await sleep(50);
  }
}

/** Keeps a transaction open that never publishes, so that old snapshots list it. */
async function writeElsewhere(world: World): Promise<void> {
  const client = await world.pool.connect();
  while (world.phase === "publishing") {
    await client.query("begin");
    await client.query("insert into noise values (3)");
    for (let n = 0; n < 50 && world.phase === "publishing"; n += 1) await sleep(100);
    await client.query("commit");
  }
  client.release();
}

/** Until every queue has finished what it must, or nothing has moved for a long time. */
async function drain(world: World, patienceMs: number): Promise<void> {
  let finished = -1;
  let movedAt = performance.now();
  while (!world.oracles.every((oracle) => oracle.isComplete())) {
    const count = world.oracles.reduce((sum, { finishedCount }) => sum + finishedCount, 0);
    if (count > finished) movedAt = performance.now();
    else if (performance.now() - movedAt > patienceMs) return;
    finished = count;
    await sleep(100);
  }
}
