import { openSync, writeSync } from "node:fs";
import pg from "pg";
import { constantBackoff, Receiver, withBackoff, withLimit } from "../src/index.js";
import { intervalTrigger, notifyTrigger, postgresSource } from "../src/postgres.js";

/** A worker of bench/ordered.ts. Writes a line when an attempt starts (S), fails (F) or has had its effect (E). */
async function main(): Promise<void> {
  const [connectionString, file, failing] = process.argv.slice(2) as [string, string, string];
  const pool = new pg.Pool({ connectionString });
  const log = openSync(file, "a");
  const write = (what: string, key: string, n: unknown) =>
    writeSync(log, `${what} ${process.pid} ${key} ${n}\n`);
  const receiver = new Receiver({
    source: postgresSource({
      pool,
      triggers: [notifyTrigger({ connectionString }), intervalTrigger(1_000)],
    }),
    onError: () => {},
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  receiver
    .use(withBackoff(constantBackoff(100)), withLimit(1_000))
    .queue("ordered", { ordered: true, startAt: "earliest" })
    .on("ordered", "entity.changed", async ({ message, payload }) => {
      const key = message.key ?? "";
      write("S", key, payload);
      await new Promise(setImmediate);
      if (Math.random() < Number(failing)) {
        write("F", key, payload);
        throw new Error("as planned");
      }
      write("E", key, payload);
    });
  await receiver.start();
}

await main();
