/**
 * A receiver in a process of its own, until it is killed. Its handler counts each run in a file, which no rollback
 * reaches, writes an effect, publishes a message, and fails at times.
 */
import { appendFileSync } from "node:fs";
import pg from "pg";
import {
  constantBackoff,
  createMessage,
  Publisher,
  Receiver,
  syncBridge,
  withBackoff,
  withTx,
} from "../../src/index.js";
import {
  intervalTrigger,
  notifyTrigger,
  postgresDestination,
  postgresSource,
} from "../../src/postgres.js";

const FAILURES = 0.02;

const [connectionString, name, runs] = process.argv.slice(2) as [string, string, string];
const pool = new pg.Pool({ connectionString, application_name: name });
const nothing = () => {};
pool.on("error", nothing);
const triggers = [notifyTrigger({ connectionString }), intervalTrigger(200)];
const receiver = new Receiver({
  source: postgresSource({ pool, triggers }),
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
});
const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });

receiver.use(withBackoff(constantBackoff(10)));
receiver.on(
  "q",
  "job.run",
  async ({ message, tx }) => {
    appendFileSync(runs, `${message.id}\n`);
    await tx.query("insert into effect (id) values ($1)", [message.id]);
    await publisher.publishOne(createMessage("report.made", message.id), withTx(tx));
    if (Math.random() < FAILURES) throw new Error("not yet");
  },
  { transactional: true },
);
await receiver.start();
process.send?.("ready");
process.on("disconnect", () => process.exit());
