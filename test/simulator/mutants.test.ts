import { expect, test } from "vitest";
import { mutate, mutations } from "../engine/mutations.js";
import { migratedDatabase } from "../support/postgres.js";
import type { Violations } from "./oracle.js";
import type { Report } from "./report.js";
import { simulate } from "./simulate.js";

/** A busy machine may need more than one run. */
const RUNS = 6;

/** Guards without which random load must show a fault, and which. */
const faults: [keyof typeof mutations, keyof Violations][] = [
  ["markFromXmax", "lost"],
  ["noLateRows", "lost"],
  ["newWithoutMark", "twice"],
  ["takeOverDone", "finishedTwice"],
];

test.each(faults)("without %s: %s", { timeout: 120_000 }, async (name, fault) => {
  let report = await runWithout(name, 1);
  for (let seed = 2; seed <= RUNS && report.ok; seed += 1) report = await runWithout(name, seed);
  const total = report.queues.reduce((sum, queue) => sum + queue[fault], 0);
  console.log(`without ${name}: ${total} ${fault}`);
  expect(total).toBeGreaterThan(0);
});

async function runWithout(name: keyof typeof mutations, seed: number): Promise<Report> {
  const { url, drop } = await migratedDatabase();
  try {
    return await simulate({
      url,
      seed,
      seconds: 3,
      patienceMs: 2_000,
      prepare: (pool) => mutate(pool, mutations[name]),
    });
  } finally {
    await drop();
  }
}
