/**
 * Messages die in one queue, each by its handler, and are given back in one redrive that is stopped in the middle and
 * resumed. Prints the rates, and fails unless each was handled exactly once more.
 *
 *   npx tsx bench/redrive.ts [--messages 100000]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { type DeadDelivery, fatal, Receiver } from "../src/index.js";
import { postgresOperations } from "../src/operations.js";
import { notifyTrigger, postgresSource } from "../src/postgres.js";
import { perSecond } from "./figures.js";
import { fillLog } from "./queue.js";

const { values } = parseArgs({ options: { messages: { type: "string", default: "100000" } } });
const messages = Number(values.messages);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Options {
  readonly pool: pg.Pool;
  readonly url: string;
}

/** Runs a receiver until so many handlers have run, or deaths are recorded. */
async function receive({ pool, url }: Options, isBroken: boolean): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  let done: () => void;
  const finished = new Promise<void>((resolve) => {
    done = resolve;
  });
  const add = ({ message: { id } }: Pick<DeadDelivery, "message">) => {
    seen.set(id, (seen.get(id) ?? 0) + 1);
    if (seen.size === messages) done();
  };
  const source = postgresSource({ pool, triggers: [notifyTrigger({ connectionString: url })] });
  const receiver = new Receiver({ source, logger: silent, onDead: add });
  receiver.queue("bench", { startAt: "earliest" }).on("bench", "user.created", (context) => {
    if (isBroken) throw fatal(new Error("broken"));
    add(context);
  });
  await receiver.start();
  await finished;
  await receiver.stop();
  return seen;
}

/** Stopped in the middle, then resumed to its end. Returns the milliseconds of both. */
async function redrive({ pool }: Options): Promise<number> {
  const { deadLetters } = postgresOperations({ pool });
  const controller = new AbortController();
  const startedAt = performance.now();
  const stopped = await deadLetters.redrive(
    { queue: "bench" },
    {
      signal: controller.signal,
      onProgress: ({ done }) => done >= messages / 2 && controller.abort(),
    },
  );
  const { done } = await deadLetters.redrive({ queue: "bench" }, { resume: stopped.resume });
  if (stopped.isComplete || done !== messages) throw new Error(`Gave back ${done}.`);
  return performance.now() - startedAt;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  const options = { pool, url: server.url };
  try {
    await fillLog(pool, messages);
    const startedAt = performance.now();
    await receive(options, true);
    console.log("died      ", perSecond(messages, performance.now() - startedAt), "/s");
    console.log("given back", perSecond(messages, await redrive(options)), "/s");
    const drainedAt = performance.now();
    const handled = await receive(options, false);
    console.log("handled   ", perSecond(messages, performance.now() - drainedAt), "/s");
    const again = [...handled.values()].filter((times) => times !== 1).length;
    const { rows } = await pool.query(
      "select count(*)::int as left from opinionated_events.delivery",
    );
    console.log("handled once", handled.size - again, "more often", again, "left", rows[0].left);
    if (again > 0 || rows[0].left > 0) process.exitCode = 1;
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
