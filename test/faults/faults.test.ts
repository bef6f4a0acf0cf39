import type pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { migrate } from "../../src/postgres.js";
import { mutate } from "../engine/mutations.js";
import { changed } from "../support/tree.js";
import { cases } from "./cases.js";
import { createDatabase } from "./database.js";
import { type Mutant, mutants } from "./mutants.js";
import { runCase } from "./run-case.js";

describe.concurrent("real processes lose nothing to faults", { timeout: 120_000 }, () => {
  it.each(cases)("$name", async (faultCase) => {
    const own = faultCase.restarts && (await startBinaries(process.env.POSTGRES_BIN));
    try {
      const server = own || { url: inject("databaseUrl") };
      const options = { server, root: new URL(inject("tree")), isLong: false, isTimed: false };
      const result = await runCase(faultCase, options);
      expect(result.violations, JSON.stringify(result.tally)).toEqual([]);
    } finally {
      if (own) await own.stop();
    }
  });
});

it("each mutant still changes what it names", async () => {
  const { pool, drop } = await createDatabase({ url: inject("databaseUrl") });
  try {
    await migrate(pool);
    for (const mutant of Object.values<Mutant>(mutants)) {
      expect(cases.map(({ name }) => name)).toContain(mutant.killer);
      if (mutant.source) await changed(mutant.source);
      else await undone(pool, (client) => mutate(client, mutant));
    }
  } finally {
    await drop();
  }
});

async function undone(pool: pg.Pool, fn: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  await client.query("begin");
  await fn(client).finally(() => client.release(true));
}
