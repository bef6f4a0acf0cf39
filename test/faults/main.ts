/** npm run faults -- [--short] [--case "worker killed"] [--mutants | --mutant noNotify] */
import { parseArgs } from "node:util";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { buildTree } from "../support/tree.js";
import type { FaultCase } from "./case.js";
import { cases } from "./cases.js";
import type { Server } from "./database.js";
import { printResults } from "./print.js";
import { type Result, runCase } from "./run-case.js";
import { runMutants } from "./run-mutants.js";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    case: { type: "string" },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
  },
});

function chosen(): readonly FaultCase[] {
  const found = cases.filter(({ name }) => name === (values.case ?? name));
  if (found.length > 0) return found;
  throw new Error(`There is no such case; there are: ${cases.map(({ name }) => name).join(", ")}.`);
}

async function main(): Promise<void> {
  const server = await startBinaries(process.env.POSTGRES_BIN);
  console.log(`PostgreSQL: ${server.kind}`);
  try {
    const ok =
      values.mutants || values.mutant ? runMutants(server, values.mutant) : runCases(server);
    if (!(await ok)) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

async function runCases(server: Server): Promise<boolean> {
  const { root, remove } = await buildTree();
  const results: Result[] = [];
  try {
    for (const each of chosen()) {
      const result = await runCase(each, { server, root, isLong: !values.short, isTimed: true });
      console.log(`${result.name}: ${result.violations.join("; ") || "ok"}`);
      results.push(result);
    }
  } finally {
    await remove();
  }
  printResults(results);
  return results.every(({ violations }) => violations.length === 0);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  // What a mutant has left running must not keep the rest of us.
  .finally(() => process.exit());
