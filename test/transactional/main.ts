import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "../../scripts/postgres-server.js";
import { buildTree } from "../support/tree.js";
import { killWorkers } from "./kills.js";

/** npx tsx test/transactional/main.ts [--messages 50000] [--workers 2] [--kills 50] */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: "string", default: "50000" },
      workers: { type: "string", default: "2" },
      kills: { type: "string", default: "50" },
    },
  });
  const { root, remove } = await buildTree();
  const server = await startPostgres();
  const database = `kills_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  try {
    await admin.query(`create database ${database}`);
    const report = await killWorkers({
      root,
      url: Object.assign(new URL(server.url), { pathname: database }).href,
      messages: Number(values.messages),
      workers: Number(values.workers),
      kills: Number(values.kills),
    });
    console.log(report);
    const isOnce = report.once === report.messages && report.left === 0;
    if (!isOnce || report.amidTransactions === 0) process.exitCode = 1;
  } finally {
    await admin.query(`drop database if exists ${database} with (force)`);
    await admin.end();
    await server.stop();
    await remove();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
