import { test } from "vitest";
import { Engine } from "../engine/engine.js";
import { checkModel } from "./run.js";

/** Thousands of statements, one after the other. */
const TIMEOUT_MS = 180_000;

test(
  "the database holds what a plain model of it does, whatever is done",
  async () => {
    const engine = await Engine.create();
    await checkModel(engine, { numRuns: 200 }).finally(() => engine.drop());
  },
  TIMEOUT_MS,
);
