import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createMessage } from "../../src/index.js";
import { postgresDestination } from "../../src/postgres.js";

/** The number of the message of the slow transaction. */
export const LATE = -1;

/** pg_dump with a reader so slow that it holds its locks for so long. Resolves with its exit code, which is 0 if it has the whole log. */
export async function slowDump(url: string, ms: number): Promise<number | null> {
  const program = join(process.env.POSTGRES_BIN ?? "", "pg_dump");
  const dump = spawn(program, ["-d", url, "-n", "opinionated_events"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => {
    dump.on("error", (error) => console.log(`no pg_dump: ${error.message}`));
    dump.on("close", resolve);
  });
  console.log("pg_dump begins");
  await sleep(ms);
  dump.stdout.resume();
  const code = await ended;
  console.log(`pg_dump ends with ${code}`);
  return code;
}

/** Publishes one message, with a number that no other has, and commits so much later. */
export async function slowTransaction(pool: pg.Pool, ms: number): Promise<void> {
  const client = await pool.connect();
  await client.query("begin");
  const { signal } = new AbortController();
  const message = createMessage("order.placed", { n: LATE, note: "late" });
  await postgresDestination({ pool }).deliver([message], { tx: client, signal });
  console.log("a transaction has published, and stays open");
  await sleep(ms);
  await client.query("commit");
  client.release();
  console.log("it commits");
}
