import { afterEach, beforeEach, expect, test } from "vitest";
import { Engine } from "../engine/engine.js";
import { mutate, mutations } from "../engine/mutations.js";
import { checkModel } from "./run.js";

let engine: Engine;
beforeEach(async () => {
  engine = await Engine.create();
});
afterEach(() => engine.drop());

test("the database holds what a plain model of it does, whatever is done", async () => {
  await checkModel(engine, { numRuns: 200 });
});

test.each([
  ["anyTokenSettles", mutations.anyTokenSettles],
  ["takeOverDone", mutations.takeOverDone],
] as const)("that is seen to fail without a guard: %s", async (_, mutation) => {
  await mutate(engine.pool, mutation);
  await expect(checkModel(engine, { numRuns: 200, endOnFailure: true })).rejects.toThrow();
});
