import fc from "fast-check";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import type { Engine } from "../engine/engine.js";
import { claim, settle } from "./batches.js";
import { claimRows, expireRow, makeDue, settleRows } from "./deliveries.js";
import { crash, expireLease, sweepQueue } from "./losing.js";
import type { Model } from "./model.js";
import { seekQueue } from "./moving.js";
import { end, publish, publishInside, publishTo } from "./publishing.js";
import { resubscribeQueue, subscribeQueue, subscribeTo, unsubscribeQueue } from "./subscribing.js";
import { World } from "./world.js";

const steps = fc.commands<Model, World, true>(
  [
    ...[publish, publish, publishInside, publishInside, end, end],
    ...[claim, claim, claim, settle, settle, settle, settle],
    ...[expireLease, sweepQueue, crash, crash],
    ...[claimRows, claimRows, claimRows, settleRows, settleRows, expireRow, makeDue],
    ...[subscribeQueue, unsubscribeQueue, resubscribeQueue, seekQueue, seekQueue],
  ],
  { maxCommands: 60, size: "max" },
);

/** What every run begins with. */
const beginning = [
  subscribeTo(0, 0, "now"),
  subscribeTo(1, 0, "now"),
  publishTo(0, [false, false, false, true, false]),
];

/** Runs random sequences of steps against the database and the model; rejects with the shortest that makes them differ. */
export async function checkModel(
  engine: Engine,
  parameters: fc.Parameters<[unknown]>,
): Promise<void> {
  const sessions: SqlClient[] = [await engine.session(), await engine.session()];
  const property = fc.asyncProperty(steps, async (commands) => {
    const world = new World(engine, sessions);
    try {
      for (const step of beginning) await step.run(world.model, world);
      await fc.asyncModelRun(() => ({ model: world.model, real: world }), commands);
    } finally {
      await world.end();
    }
  });
  await fc.assert(property, parameters);
}
