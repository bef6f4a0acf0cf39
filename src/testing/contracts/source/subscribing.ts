import assert from "node:assert/strict";
import { createMessage } from "../../../message/create-message.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { until } from "../until.js";
import type { SourceTrial } from "./trial.js";

export const subscribing = {
  "begins now: what was published before the start is not delivered": async (trial) => {
    const [before, after] = [thing(), thing()];
    await trial.publish(before);
    const receiver = await trial.start();
    await trial.publish(after);
    await trial.until(1);
    await receiver.stop();
    assert.deepEqual(trial.handled(), [after.id]);
  },
  "begins with the earliest message, if told to": async (trial) => {
    const messages = things(5);
    await trial.publish(...messages);
    const receiver = await trial.start(undefined, { options: { startAt: "earliest" } });
    await trial.until(5);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "begins at a time, if told to": async (trial) => {
    await trial.publish(thing());
    const first = await trial.start(undefined, { options: { startAt: "earliest" } });
    await trial.until(1);
    const publishedAt = trial.attempts[0]?.message.publishedAt.getTime() ?? 0;
    await until("the clock has moved on", () => Date.now() > publishedAt + 1);
    const after = thing();
    await trial.publish(after);
    await trial.until(2);
    await first.stop();
    const startAt = trial.attempts[1]?.message.publishedAt ?? new Date(Number.NaN);
    const second = await trial.start(undefined, {
      queues: { late: ["thing.*"] },
      options: { startAt },
    });
    await trial.until(3);
    await second.stop();
    assert.deepEqual(trial.handled("late"), [after.id]);
  },
  "goes on where it stood, whatever startAt says": async (trial) => {
    const messages = things(3);
    const [seen, missed, fresh] = messages.map((message) => [message]);
    assert.ok(seen && missed && fresh);
    const first = await trial.start();
    await trial.publish(...seen);
    await trial.until(1);
    await first.stop();
    await trial.publish(...missed);
    const second = await trial.start(undefined, { options: { startAt: "earliest" } });
    await trial.publish(...fresh);
    await trial.until(3);
    await second.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "lets a queue join later, and the others go on": async (trial) => {
    const [first, second] = [thing(), thing()];
    const one = await trial.start();
    await trial.publish(first);
    await trial.until(1);
    await one.stop();
    const both = await trial.start(undefined, { queues: { q: ["thing.*"], late: ["thing.*"] } });
    await trial.publish(second);
    await trial.until(3);
    await both.stop();
    assert.deepEqual(trial.handled("q"), idsOf([first, second]));
    assert.deepEqual(trial.handled("late"), [second.id]);
  },
  "parks what no handler takes, visibly, and goes on": async (trial) => {
    const [lost, made] = [createMessage("thing.lost", {}), thing()];
    await (await trial.start()).stop();
    await trial.start(undefined, { queues: { q: ["thing.made"] } });
    await trial.publish(lost, made);
    await trial.until(1);
    assert.deepEqual(trial.handled(), [made.id]);
    await untilParked(trial, [lost.id]);
  },
  "delivers what was parked once a handler is there": async (trial) => {
    const lost = createMessage("thing.lost", {});
    await (await trial.start()).stop();
    const without = await trial.start(undefined, { queues: { q: ["thing.made"] } });
    await trial.publish(lost);
    await untilParked(trial, [lost.id]);
    await without.stop();
    const withOne = await trial.start();
    await trial.until(1);
    await withOne.stop();
    assert.deepEqual(trial.handled(), [lost.id]);
    await untilParked(trial, []);
  },
} satisfies Cases<SourceTrial>;

function untilParked({ subject }: SourceTrial, ids: readonly string[]): Promise<void> {
  return until(`${ids.length} messages are parked`, async () => {
    const parked = await subject.parked();
    return parked.length === ids.length && ids.every((id) => parked.includes(id));
  });
}
