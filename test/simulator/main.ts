import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../../scripts/postgres-server.js";
import { formatReport } from "./report.js";
import { simulate } from "./simulate.js";

/** npm run sim -- [--seconds 60] [--seed 1] [--rebase] [--forget] */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      rebase: { type: "boolean", default: false },
      forget: { type: "boolean", default: false },
    },
  });
  const server = await startPostgres();
  const database = `simulator_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  try {
    await admin.query(`create database ${database}`);
    console.log(`seed ${values.seed}`);
    const report = await simulate({
      url: Object.assign(new URL(server.url), { pathname: database }).href,
      seconds: Number(values.seconds),
      seed: Number(values.seed),
      rebase: values.rebase,
      forget: values.forget,
    });
    console.log(formatReport(report));
    if (!report.ok) process.exitCode = 1;
  } finally {
    await admin.query(`drop database if exists ${database} with (force)`);
    await admin.end();
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
