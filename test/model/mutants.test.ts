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

test.each(["anyTokenSettles", "takeOverDone", "suspectsUncounted"] as const)(
  "the model misses a guard: %s",
  async (name) => {
    await mutate(engine.pool, mutations[name]);
    const checking = checkModel(engine, { numRuns: 1_000, endOnFailure: true });
    await expect(checking).rejects.toThrow("Property failed");
  },
  TIMEOUT_MS,
);
