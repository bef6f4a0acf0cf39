/**
 * A receiver in a process of its own, which stops on SIGTERM. Reports each message that it starts and ends. What a handler
 * does stands in the payload: `run` for ever ("hang"), kill the process ("exit"), block the event loop for `ms`, or nothing.
 */
import pg from "pg";
import { type Handler, Receiver } from "../../src/index.js";
import { intervalTrigger, notifyTrigger, postgresSource } from "../../src/postgres.js";
import type { WorkerOptions } from "./worker-process.js";

interface Order {
  readonly only?: string;
  readonly act?: "hang" | "exit" | "block";
  readonly ms?: number;
}

const [connectionString, name, options] = process.argv.slice(2) as [string, string, string];
const {
  names = ["job.run"],
  listens = true,
  leaseMs = 30_000,
}: WorkerOptions = JSON.parse(options);
const pool = new pg.Pool({ connectionString });
pool.on("error", () => {});
const interval = intervalTrigger(1_000);
const triggers = listens ? [notifyTrigger({ connectionString }), interval] : [interval];
const receiver = new Receiver({ source: postgresSource({ pool, triggers, leaseMs }) });

const handle: Handler = async ({ payload, message, attempt }) => {
  const { only = name, act, ms = 0 } = payload as Order;
  process.send?.({ event: "start", worker: name, id: message.id, attempt });
  if (only === name && act === "hang") await new Promise(() => {});
  if (only === name && act === "block") blockFor(ms);
  if (only === name && act === "exit") process.exit(1);
  process.send?.({ event: "end", worker: name, id: message.id, attempt });
};
for (const each of names) receiver.on("q", each, handle);

function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

await receiver.start();
process.send?.({ event: "ready", worker: name });
process.once("SIGTERM", async () => {
  await receiver.stop();
  await pool.end();
  process.disconnect();
});
process.on("disconnect", () => process.exit());
