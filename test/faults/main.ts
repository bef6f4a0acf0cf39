/** npm run faults -- [--short] [--case "worker killed"] [--mutants] */
import { parseArgs } from "node:util";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import type { FaultCase } from "./case.js";
import { cases } from "./cases.js";
import { printResults } from "./print.js";
import { runCase } from "./run-case.js";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    case: { type: "string" },
    mutants: { type: "boolean", default: false },
  },
});

function chosen(): readonly FaultCase[] {
  const found = cases.filter(({ name }) => name === (values.case ?? name));
  if (found.length > 0) return found;
  throw new Error(`There is no such case; there are: ${cases.map(({ name }) => name).join(", ")}.`);
}

async function main(): Promise<void> {
  const list = chosen();
  const server = await startBinaries(process.env.POSTGRES_BIN);
  console.log(`PostgreSQL: ${server.kind}`);
  try {
    const results = [];
    for (const each of list) {
      const result = await runCase(each, { server, isLong: !values.short, isTimed: true });
      console.log(`${result.name}: ${result.violations.join("; ") || "ok"}`);
      results.push(result);
    }
    printResults(results);
    if (results.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
