import { afterEach, beforeEach, expect, test } from "vitest";
import { Engine } from "../engine/engine.js";
import { mutate, mutations } from "../engine/mutations.js";
import { checkModel } from "./run.js";

/** Thousands of statements, one after the other. */
const TIMEOUT_MS = 180_000;

let engine: Engine;
beforeEach(async () => {
  engine = await Engine.create();
});
afterEach(() => engine.drop());

test(
  "the database holds what a plain model of it does, whatever is done",
  () => checkModel(engine, { numRuns: 200 }),
  TIMEOUT_MS,
);

test.each(["anyTokenSettles", "takeOverDone", "suspectsUncounted"] as const)(
  "which is not so without a guard: %s",
  async (name) => {
    await mutate(engine.pool, mutations[name]);
    const checking = checkModel(engine, { numRuns: 1_000, endOnFailure: true });
    await expect(checking).rejects.toThrow("Property failed");
  },
  TIMEOUT_MS,
);
