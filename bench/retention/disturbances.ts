import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createMessage } from "../../src/index.js";
import { postgresDestination } from "../../src/postgres.js";

/** pg_dump with a reader so slow that it holds its locks for so long. */
export async function slowDump(url: string, ms: number): Promise<void> {
  const program = join(process.env.POSTGRES_BIN ?? "", "pg_dump");
  const dump = spawn(program, ["-d", url, "-n", "opinionated_events"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  dump.on("error", (error) => console.log(`no pg_dump: ${error.message}`));
  console.log("pg_dump begins");
  await sleep(ms);
  dump.stdout.resume();
  dump.on("close", (code) => console.log(`pg_dump ends with ${code}`));
}

/** Publishes, and commits so much later. */
export async function slowTransaction(pool: pg.Pool, ms: number): Promise<void> {
  const client = await pool.connect();
  await client.query("begin");
  const { signal } = new AbortController();
  const message = createMessage("order.placed", { n: 0, note: "late" });
  await postgresDestination({ pool }).deliver([message], { tx: client, signal });
  console.log("a transaction has published, and stays open");
  await sleep(ms);
  await client.query("commit");
  client.release();
  console.log("it commits");
}
