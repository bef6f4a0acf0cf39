import assert from "node:assert/strict";
import type { MessageOptions } from "../../../message/create-message.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import type { SourceTrial } from "./trial.js";

/** Times come from more than one clock, each of which cuts or rounds. */
const CLOCK_MS = 10;
const DELAY_MS = 150;
const HOUR_MS = 3_600_000;

export const scheduling = {
  "holds a message back until its time": (trial) =>
    holdBack(trial, { deliverAt: new Date(Date.now() + DELAY_MS) }),
  "holds a message back for its delay": (trial) => holdBack(trial, { delayMs: DELAY_MS }),
  "lets others pass a message that is not due": async (trial) => {
    const messages = things(3);
    const receiver = await trial.start();
    await trial.publish(thing(0, { delayMs: HOUR_MS }), ...messages);
    await trial.until(3);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "keeps a scheduled message over a restart": async (trial) => {
    const first = await trial.start();
    const publishedAt = Date.now();
    const [message, other] = [thing(0, { delayMs: DELAY_MS }), thing()];
    await trial.publish(message, other);
    await trial.until(1);
    await first.stop();
    await trial.start(() => assertDue(publishedAt));
    await trial.until(2);
    assert.deepEqual(trial.handled().sort(), idsOf([other, message]).sort());
    assert.deepEqual(trial.errors, []);
  },
} satisfies Cases<SourceTrial>;

async function holdBack(trial: SourceTrial, options: MessageOptions): Promise<void> {
  const publishedAt = Date.now();
  const message = thing(0, options);
  await trial.start(() => assertDue(publishedAt));
  await trial.publish(message);
  await trial.until(1);
  assert.deepEqual(trial.errors, []);
  assert.deepEqual(trial.handled(), [message.id]);
}

/** In a handler, so that a failure is an error that the trial is told. */
function assertDue(publishedAt: number): void {
  const waited = Date.now() - publishedAt;
  assert.ok(waited > DELAY_MS - CLOCK_MS, `delivered after ${waited} ms`);
}
