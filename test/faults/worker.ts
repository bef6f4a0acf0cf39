/** A receiver in a process of its own, which stops on SIGTERM. Records every message that it has handled. */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { constantBackoff, fatal, type Handler, Receiver, withBackoff } from "../../src/index.js";
import { intervalTrigger, notifyTrigger, postgresSource } from "../../src/postgres.js";
import type { WorkerOptions } from "./children.js";
import { type HandledLine, job, type Payload, POISONED, QUEUE } from "./messages.js";
import { Recorder } from "./record.js";

const RETRY_MS = 200;
const ignore = () => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

const options: WorkerOptions = JSON.parse(process.argv[2] as string);
const { url, listenUrl = url, name, record, names, handleMs, intervalMs, poolMax } = options;
const { maxWorkers, leaseMs, ordered = false } = options;
const recorder = new Recorder(record);
// The source has to look after the errors of its idle connections.
const pool = new pg.Pool({ connectionString: url, application_name: name, max: poolMax });

const handle: Handler<Payload> = async ({ payload, message, attempt }) => {
  const { n, kind, ms = Math.random() * handleMs } = payload;
  if (kind === "exit") process.exit(POISONED);
  if (kind === "fatal") throw fatal("It can't be handled.");
  if (kind === "retry" && attempt === 1) throw new Error("The first attempt fails.");
  if (kind === "hang" && attempt === 1) await new Promise(() => {});
  if (ms > 0) await setTimeout(ms);
  recorder.write([message.id, message.key ?? "", n, Date.now()] satisfies HandledLine);
};

const receiver = new Receiver({
  source: postgresSource({
    pool,
    triggers: [notifyTrigger({ connectionString: listenUrl }), intervalTrigger(intervalMs)],
    maxWorkers,
    leaseMs,
  }),
  logger: silent,
  onError: ignore,
});
receiver.use(withBackoff(constantBackoff(RETRY_MS))).queue(QUEUE, { ordered });
for (const each of names) receiver.on(QUEUE, job(each), handle);

/** Other users of the pool take all of its connections for so many milliseconds. */
async function occupyPool(ms: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: poolMax }, () => pool.connect()));
  await setTimeout(ms);
  for (const client of clients) client.release();
  process.send?.("released");
}

await receiver.start();
process.on("message", (ms: number) => occupyPool(ms));
process.once("SIGTERM", async () => {
  await receiver.stop();
  await pool.end();
  process.disconnect();
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
