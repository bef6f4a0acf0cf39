/** npm run faults -- [--short] [--broker kafka] [--case "worker killed"] [--mutants | --mutant noNotify] */
import { parseArgs } from "node:util";
import { whyNoOwnKafka } from "../../scripts/kafka-server.js";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { buildTree } from "../support/tree.js";
import { cases } from "./cases.js";
import type { Server } from "./database.js";
import { kafkaCases } from "./kafka/cases.js";
import { runKafkaCase, startKafkaPlace } from "./kafka/run.js";
import { printResults } from "./print.js";
import { type Result, runCase } from "./run-case.js";
import { runMutants } from "./run-mutants.js";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    case: { type: "string" },
    broker: { type: "string" },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
  },
});

function isChosen({ name }: { readonly name: string }): boolean {
  const isOfBroker = values.broker === undefined || name.startsWith(`${values.broker}:`);
  return isOfBroker && name === (values.case ?? name);
}

function assertChosen(): void {
  const all = [...cases, ...kafkaCases];
  if (all.some(isChosen)) return;
  throw new Error(`There is no such case; there are: ${all.map(({ name }) => name).join(", ")}.`);
}

async function runOnKafka(root: URL, note: (result: Result) => void): Promise<void> {
  const chosen = kafkaCases.filter(isChosen);
  if (chosen.length === 0) return;
  const reason = await whyNoOwnKafka();
  if (reason) return console.log(`Left out: ${chosen.length} cases on Kafka, because ${reason}.`);
  const place = await startKafkaPlace();
  try {
    for (const each of chosen)
      note(await runKafkaCase(each, { place, root, isLong: !values.short, isTimed: true }));
  } finally {
    await place.stop();
  }
}

async function main(): Promise<void> {
  assertChosen();
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
    const note = (result: Result) => {
      console.log(`${result.name}: ${result.violations.join("; ") || "ok"}`);
      results.push(result);
    };
    for (const each of cases.filter(isChosen)) {
      note(await runCase(each, { server, root, isLong: !values.short, isTimed: true }));
    }
    await runOnKafka(root, note);
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
