/**
 * Us beside graphile-worker, pg-boss and the floor in raw SQL, interleaved on one server with default settings. Ends with
 * a line a scenario, and writes RESULTS.md and plots/. Exits with 1 if a must is not met. Runs compiled, from the project's root.
 *
 *   npm run bench [-- --full] [-- --only A1,C] [-- --rounds 3]
 */
import { parseArgs } from "node:util";
import { startPostgres } from "../scripts/postgres-server.js";
import { about } from "./harness/about.js";
import { type Result, writeReport } from "./harness/report.js";
import { runScenario } from "./harness/run.js";
import { lineOf, verdictOf } from "./harness/verdict.js";
import { scenarios } from "./scenarios.js";

const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
  },
});

async function main(): Promise<void> {
  const only = values.only?.split(",");
  const chosen = scenarios
    .map((make) => make({ full: values.full }))
    .filter(({ id }) => only?.includes(id) ?? true);
  const server = await startPostgres();
  const results: Result[] = [];
  const failed: string[] = [];
  try {
    const facts = [...(await about(server.url, server.kind)), `rounds: ${values.rounds}`];
    console.log(facts.join("\n"));
    for (const scenario of chosen) {
      try {
        const rounds = await runScenario(scenario, server.url, Number(values.rounds));
        results.push({ scenario, rounds, verdict: verdictOf(scenario, rounds) });
      } catch (error) {
        console.error(error);
        failed.push(`${scenario.id} ${scenario.title}: no figures, ${(error as Error).message}`);
      }
    }
    if (!only) await writeReport("bench", results, facts);
  } finally {
    await server.stop();
  }
  for (const { verdict } of results) console.log(lineOf(verdict));
  for (const line of failed) console.log(line);
  const isUnmet = results.some(({ verdict }) =>
    verdict.unmet.some(({ level }) => level === "must"),
  );
  process.exitCode = isUnmet || failed.length > 0 ? 1 : 0;
}

await main();
