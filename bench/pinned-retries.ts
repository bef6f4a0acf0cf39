/**
 * Publishes and drains ten portions with a snapshot pinned throughout, with retries and scheduled messages in the mix: the
 * rate of the last portion against the first, and the whole against the same without a pinned snapshot. A portion's time
 * ends when all of it is done, so it holds the waiting for what is scheduled and repeated.
 *
 *   npx tsx bench/pinned-retries.ts [--messages 200000] [--scheduled 50000]
 */
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../scripts/postgres-server.js";
import { constantBackoff, createMessage, Receiver, withBackoff } from "../src/index.js";
import {
  intervalTrigger,
  migrate,
  notifyTrigger,
  postgresDestination,
  postgresSource,
} from "../src/postgres.js";
import { perSecond } from "./figures.js";
import { pinned } from "./snapshot.js";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "200000" },
    scheduled: { type: "string", default: "50000" },
  },
});
const messages = Number(values.messages);
const scheduled = Number(values.scheduled);
const BATCH = 1_000;
const PORTIONS = 10;
/** One message in so many fails at its first attempt. */
const FAILING = 10;
const BACKOFF_MS = 100;
const DELAY_MS = 300;

/** Publishes the messages from `from` on, some of them for later, and resolves when all are done. */
async function run(pool: pg.Pool, connectionString: string): Promise<readonly number[]> {
  await pool.query("drop schema if exists opinionated_events cascade");
  await migrate(pool);
  const seen = new Uint8Array(messages);
  let done = 0;
  let wanted = 0;
  let finish = () => {};
  const triggers = [notifyTrigger({ connectionString }), intervalTrigger(1_000)];
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const receiver = new Receiver({
    source: postgresSource({ pool, triggers }),
    onError: () => {},
    logger: silent,
  });
  receiver
    .use(withBackoff(constantBackoff(BACKOFF_MS)))
    .on("bench", "user.created", ({ payload, attempt }) => {
      const { n } = payload as { n: number };
      if (n % FAILING === 1 && attempt === 1) throw new Error("as planned");
      seen[n] = (seen[n] ?? 0) + 1;
      done += 1;
      if (done === wanted) finish();
    });
  await receiver.start();
  const spans: number[] = [];
  for (let portion = 0; portion < PORTIONS; portion += 1) {
    wanted = ((portion + 1) * messages) / PORTIONS;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const startedAt = performance.now();
    await publish(pool, wanted - messages / PORTIONS, wanted);
    await finished;
    spans.push(performance.now() - startedAt);
  }
  await receiver.stop();
  if (seen.some((times) => times !== 1)) throw new Error("Not every message was done once.");
  return spans;
}

async function publish(pool: pg.Pool, first: number, end: number): Promise<void> {
  const destination = postgresDestination({ pool });
  const { signal } = new AbortController();
  const every = messages / scheduled;
  for (let from = first; from < end; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      return createMessage("user.created", { n }, n % every === 0 ? { delayMs: DELAY_MS } : {});
    });
    await destination.deliver(batch, { signal });
  }
}

function print(name: string, spans: readonly number[]): number {
  const rates = spans.map((ms) => perSecond(messages / PORTIONS, ms));
  const [first, last] = [rates[0] as number, rates.at(-1) as number];
  const sum = spans.reduce((total, ms) => total + ms, 0);
  console.log(
    `${name} whole ${perSecond(messages, sum)} /s, first tenth ${first} /s, last ${last} /s, ratio ${(last / first).toFixed(2)} (${rates.join(" ")})`,
  );
  return last;
}

async function main(): Promise<void> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on("error", () => {});
  try {
    const free = print("unpinned", await run(pool, server.url));
    const held = print("pinned  ", await pinned(pool, () => run(pool, server.url)));
    console.log("last tenth, pinned to unpinned", (held / free).toFixed(2));
  } finally {
    await pool.end();
    await server.stop();
  }
}

await main();
