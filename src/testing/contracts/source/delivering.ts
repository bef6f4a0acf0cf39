import assert from "node:assert/strict";
import { createMessage } from "../../../message/create-message.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import type { SourceTrial } from "./trial.js";

export const delivering = {
  "delivers a message": async (trial) => {
    const message = thing();
    const receiver = await trial.start();
    await trial.publish(message);
    await trial.until(1);
    await receiver.stop();
    assert.deepEqual(trial.handled(), [message.id]);
  },
  "delivers many messages, each once": async (trial) => {
    const messages = things(1_200);
    const receiver = await trial.start();
    await trial.publish(...messages);
    await trial.until(messages.length);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "delivers concurrent publishes, each message once": async (trial) => {
    const batches = Array.from({ length: 20 }, () => things(5));
    const receiver = await trial.start();
    await Promise.all(batches.map((batch) => trial.publish(...batch)));
    await trial.until(100);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(batches.flat()).sort());
  },
  "delivers a message once that was published twice": async (trial) => {
    const [message, last] = [thing(), thing()];
    const receiver = await trial.start();
    await trial.publish(message, message);
    await trial.until(1);
    await trial.publish(message);
    await trial.publish(last);
    await trial.until(2);
    await receiver.stop();
    assert.deepEqual(trial.handled(), idsOf([message, last]));
  },
  "delivers in the order of publishing to one worker": async (trial) => {
    const messages = things(60);
    const receiver = await trial.start(undefined, { options: { concurrency: 1 } });
    for (let n = 0; n < 60; n += 6) await trial.publish(...messages.slice(n, n + 6));
    await trial.until(messages.length);
    await receiver.stop();
    assert.deepEqual(trial.handled(), idsOf(messages));
  },
  "wakes up each time it has run dry": async (trial) => {
    await trial.start();
    for (let n = 1; n <= 5; n += 1) {
      await trial.publish(thing());
      await trial.until(n);
    }
  },
  "delivers what a handler publishes": async (trial) => {
    await trial.start(async ({ message }) => {
      if (message.name === "thing.made") await trial.publish(createMessage("thing.sold", {}));
    });
    await trial.publish(thing());
    await trial.until(2);
    assert.deepEqual(
      trial.attempts.map(({ message }) => message.name),
      ["thing.made", "thing.sold"],
    );
  },
} satisfies Cases<SourceTrial>;
