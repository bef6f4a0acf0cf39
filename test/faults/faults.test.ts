import { describe, expect, inject, it } from "vitest";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { migrate } from "../../src/postgres.js";
import { mutate } from "../engine/mutations.js";
import { cases } from "./cases.js";
import { createDatabase } from "./database.js";
import { type Mutant, mutants } from "./mutants.js";
import { runCase } from "./run-case.js";
import { changed } from "./tree.js";

describe.concurrent("real processes lose nothing to faults", { timeout: 120_000 }, () => {
  it.each(cases)("$name", async (faultCase) => {
    const own = faultCase.restarts && (await startBinaries(process.env.POSTGRES_BIN));
    try {
      const server = own || { url: inject("databaseUrl") };
      const result = await runCase(faultCase, { server, isLong: false, isTimed: false });
      expect(result.violations, JSON.stringify(result.tally)).toEqual([]);
    } finally {
      if (own) await own.stop();
    }
  });
});

it.each(Object.entries(mutants))("the mutant %s still changes what it names", async (_, mutant) => {
  expect(cases.map(({ name }) => name)).toContain(mutant.killer);
  if (mutant.source) await changed(mutant.source);
  else await applied(mutant);
});

async function applied(mutant: Mutant): Promise<void> {
  const { pool, drop } = await createDatabase({ url: inject("databaseUrl") });
  try {
    await migrate(pool);
    await mutate(pool, mutant);
  } finally {
    await drop();
  }
}
