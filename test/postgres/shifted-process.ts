/**
 * Publishes one message of each kind and receives them, by a clock that is wrong. Every attempt is noted in the table
 * `seen`, by the database's clock. `clock.long` runs until the parent says so.
 */
import { once } from "node:events";
import pg from "pg";
import {
  constantBackoff,
  createMessage,
  Publisher,
  Receiver,
  syncBridge,
  withBackoff,
} from "../../src/index.js";
import { intervalTrigger, postgresDestination, postgresSource } from "../../src/postgres.js";
import { silent } from "../receiver/support.js";

const [connectionString] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString });
pool.on("error", () => {});
const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
const errors: string[] = [];
const told = once(process, "message");

const source = postgresSource({ pool, triggers: [intervalTrigger(50)], leaseMs: 3_000 });
const onError = (error: unknown) => errors.push(String(error));
const receiver = new Receiver({ source, logger: silent, onError });
receiver.use(withBackoff(constantBackoff(500)));
receiver.on("q", "clock.*", async ({ message: { name }, attempt }) => {
  await pool.query("insert into seen (name, attempt) values ($1, $2)", [name, attempt]);
  if (name === "clock.failing" && attempt === 1) throw new Error("once");
  if (name === "clock.long") await told;
});
await receiver.start();

const results = await publisher.publishMany([
  createMessage("clock.plain", 1),
  createMessage("clock.delayed", 1, { delayMs: 1_000 }),
  createMessage("clock.failing", 1),
  createMessage("clock.long", 1),
  createMessage("clock.once", 1, { dedupKey: "k", dedupMs: 60_000 }),
  createMessage("clock.once", 2, { dedupKey: "k", dedupMs: 60_000 }),
]);
process.send?.({ now: Date.now(), date: new Date().toISOString(), results });

await told;
await receiver.stop();
await pool.end();
process.send?.({ errors });
process.disconnect();
