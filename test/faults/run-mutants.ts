import type pg from "pg";
import { mutate } from "../engine/mutations.js";
import { buildTree } from "../support/tree.js";
import { cases } from "./cases.js";
import type { Server } from "./database.js";
import { type Mutant, mutants } from "./mutants.js";
import { runCase } from "./run-case.js";
import { formatTable } from "./table.js";

/** What depends on luck gets several chances. */
const CHANCES = 3;
const MAX_TEXT = 120;

/** Takes out one guard at a time (or only the named one), and prints what has noticed it. False if some guard was not missed. */
export async function runMutants(server: Server, only?: string): Promise<boolean> {
  const rows = [["mutant", "without this guard", "killed by", "which saw"]];
  let isComplete = true;
  for (const [name, mutant] of Object.entries(mutants)) {
    if (name !== (only ?? name)) continue;
    const seen = await whatKills(mutant, server);
    isComplete &&= seen.length > 0;
    const text = seen.join("; ").slice(0, MAX_TEXT) || "NOTHING: it has survived";
    console.log(`${name}: ${text}`);
    rows.push([name, mutant.guard, mutant.killer, text]);
  }
  console.log(formatTable(rows));
  return isComplete;
}

async function whatKills(mutant: Mutant, server: Server): Promise<readonly string[]> {
  const faultCase = cases.find(({ name }) => name === mutant.killer);
  if (!faultCase) throw new Error(`There is no case ${mutant.killer}.`);
  const { root, remove } = await buildTree(mutant.source);
  const prepare = (pool: pg.Pool) => mutate(pool, mutant);
  try {
    for (let chance = 0; chance < CHANCES; chance += 1) {
      const options = { server, root, prepare, isLong: false, isTimed: true };
      const { violations } = await runCase(faultCase, options);
      if (violations.length > 0) return violations;
    }
    return [];
  } finally {
    await remove();
  }
}
