/**
 * A publisher in a process of its own, which goes on until SIGTERM. Records what it is about to publish, and how each
 * transaction has ended; of one whose answer was lost nothing more is known.
 */
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import {
  createMessage,
  type Message,
  Publisher,
  syncBridge,
  transaction,
  withTx,
} from "../../src/index.js";
import { postgresDestination } from "../../src/postgres.js";
import type { PublisherOptions } from "./children.js";
import type { Kind, PublishedLine, PublishedMessage } from "./messages.js";
import { Recorder } from "./record.js";

/** Transactions that run at once, each with keys of its own, so that a key's messages commit in their order. */
const LANES = 4;
const KEYS_PER_LANE = 10;
const ROLLED_BACK = 0.1;
const ALONE = 0.1;
const MAX_OPEN_MS = 10;
const CHUNK = 1_000;
const ERROR_PAUSE_MS = 50;

class RolledBack extends Error {}

const options: PublisherOptions = JSON.parse(process.argv[2] as string);
const { url, name, record, event, perSecond, size, bulk, ms, mix } = options;
const recorder = new Recorder(record);
const pool = new pg.Pool({ connectionString: url, application_name: name });
pool.on("error", () => {});
const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });

const stopped = once(process, "SIGTERM");
let isStopping = false;
let made = 0;
let transactions = 0;

/** Every so many messages one of each kind that is in the mix. */
function kindOf(nth: number): Kind {
  const entries = Object.entries(mix) as [Kind, number][];
  return entries.find(([, every]) => nth % every === every >> 1)?.[0] ?? "plain";
}

interface Made {
  readonly message: Message;
  readonly line: PublishedMessage;
}

function make(key: string, n: number): Made {
  const kind = kindOf(made++);
  const number = kind === "refused" ? "not a number" : n;
  const delay = kind === "scheduled" ? { delayMs: 500 + (made % 2_500) } : {};
  const message = createMessage(event, { n: number, kind, ms }, { key, ...delay });
  return { message, line: [message.id, key, n, kind] };
}

function* numbers(lane: number): Generator<Made> {
  for (let n = 0; ; n += 1) yield make(`${name}-${lane}-${n % KEYS_PER_LANE}`, n);
}

function take(source: Generator<Made>, count: number): Made[] {
  return Array.from({ length: count }, () => source.next().value as Made);
}

function write(line: PublishedLine): void {
  recorder.write(line);
}

function begin(all: readonly Made[], tx = `${name}-${transactions++}`): string {
  write({ tx, messages: all.map(({ line }) => line) });
  return tx;
}

function end(tx: string, how: "committed" | "rolled back"): void {
  write({ tx, end: how, at: Date.now() });
}

async function publish(all: readonly Made[]): Promise<void> {
  const tx = begin(all);
  const messages = all.map(({ message }) => message);
  try {
    if (Math.random() < ALONE) await publisher.publishMany(messages);
    else await publishInTransaction(messages);
    end(tx, "committed");
  } catch (error) {
    if (error instanceof RolledBack) return end(tx, "rolled back");
    await setTimeout(ERROR_PAUSE_MS);
  }
}

async function publishInTransaction([first, ...more]: readonly Message[]): Promise<void> {
  await transaction(pool, async (tx) => {
    if (first) await publisher.publishOne(first, withTx(tx));
    await setTimeout(Math.random() * MAX_OPEN_MS);
    await publisher.publishMany(more, withTx(tx));
    if (Math.random() < ROLLED_BACK) throw new RolledBack();
  });
}

async function runLane(lane: number): Promise<void> {
  const source = numbers(lane);
  const startedAt = performance.now();
  let count = 0;
  while (!isStopping) {
    const messages = take(source, 1 + Math.floor(Math.random() * 2 * size));
    await publish(messages);
    count += messages.length;
    const dueAt = startedAt + (count * LANES * 1_000) / perSecond;
    await setTimeout(Math.max(0, dueAt - performance.now()));
  }
}

/** All in one transaction, which commits when this process is to stop. */
async function runBulk(count: number): Promise<void> {
  const source = numbers(0);
  const id = begin([]);
  await transaction(pool, async (tx) => {
    for (let left = count; left > 0; left -= CHUNK) {
      const all = take(source, Math.min(left, CHUNK));
      begin(all, id);
      await publisher.publishMany(
        all.map(({ message }) => message),
        withTx(tx),
      );
    }
    await stopped;
  });
  end(id, "committed");
}

void stopped.then(() => {
  isStopping = true;
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
if (bulk > 0) await runBulk(bulk);
else await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
await pool.end();
process.disconnect();
