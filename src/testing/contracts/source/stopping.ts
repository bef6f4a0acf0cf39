import assert from "node:assert/strict";
import type { Message } from "../../../message/message.js";
import { retryAfter } from "../../../receiver/failure.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { gate } from "../until.js";
import type { SourceTrial } from "./trial.js";

const nothing = { finished: 0, released: 0, aborted: 0 };

export const stopping = {
  "stops before it was started, and is none the worse": async (trial) => {
    const receiver = trial.receiver();
    assert.deepEqual(await receiver.stop(), nothing);
    await receiver.finished;
    await assert.rejects(receiver.start(), { code: "ALREADY_STARTED" });
    await trial.start();
    await trial.publish(thing());
    await trial.until(1);
  },
  "stops while it starts, and starts again": async (trial) => {
    const receiver = trial.receiver();
    const starting = receiver.start();
    assert.deepEqual(await receiver.stop(), nothing);
    await starting;
    await trial.start();
    await trial.publish(thing());
    await trial.until(1);
  },
  "stops while idle": async (trial) => {
    const receiver = await trial.start();
    assert.deepEqual(await receiver.stop(), nothing);
    await receiver.finished;
  },
  "stops once, however often it is asked to": async (trial) => {
    const receiver = await trial.start();
    const reports = [receiver.stop(), receiver.stop({ deadlineMs: 0 })];
    const [first, second] = await Promise.all(reports);
    assert.deepEqual(first, second);
    assert.deepEqual(await receiver.stop(), first);
  },
  "lets running handlers finish, and doesn't repeat them": async (trial) => {
    const { opened, open } = gate();
    const [running, next] = [thing(), thing()];
    const first = await trial.start(() => opened);
    await trial.publish(running);
    await trial.until(1);
    const stopping = first.stop();
    assert.equal(trial.attempts[0]?.signal.aborted, false);
    open();
    assert.deepEqual(await stopping, { ...nothing, finished: 1 });
    await first.finished;
    const second = await trial.start();
    await trial.publish(next);
    await trial.until(2);
    await second.stop();
    assert.deepEqual(trial.handled(), idsOf([running, next]));
  },
  "takes nothing new once it stops": async (trial) => {
    const first = await trial.start();
    await first.stop();
    const message = thing();
    await trial.publish(message);
    const second = await trial.start();
    await trial.until(1);
    await second.stop();
    assert.deepEqual(trial.handled(), [message.id]);
    assert.equal(trial.attempts[0]?.attempt, 1);
  },
  "gives back what it had not started": async (trial) => {
    const { opened, open } = gate();
    // A source may take much ahead once handlers have been fast.
    const [fast, slow] = [things(60), things(20)];
    const messages = [...fast, ...slow];
    const isSlow = new Set(idsOf(slow));
    const wait = ({ message }: { message: Message }) => isSlow.has(message.id) && opened;
    const first = await trial.start(wait, { maxWorkers: 1 });
    await trial.publish(...fast);
    await trial.until(fast.length);
    await trial.publish(...slow);
    await trial.until(fast.length + 1);
    const stopping = first.stop();
    open();
    const { finished, aborted } = await stopping;
    assert.deepEqual([finished, aborted, trial.attempts.length], [1, 0, fast.length + 1]);
    const second = await trial.start();
    await trial.until(messages.length);
    await second.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
    assert.deepEqual(new Set(trial.attempts.map(({ attempt }) => attempt)), new Set([1]));
  },
  "aborts what still runs at the deadline, and delivers it again": async (trial) => {
    const first = await trial.start(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const message = thing();
    await trial.publish(message);
    await trial.until(1);
    assert.deepEqual(await first.stop({ deadlineMs: 1 }), { ...nothing, aborted: 1 });
    assert.equal(trial.attempts[0]?.signal.aborted, true);
    const second = await trial.start();
    await trial.until(2);
    await second.stop();
    assert.deepEqual(trial.handled(), idsOf([message, message]));
  },
  "disregards a handler that ignores its signal": async (trial) => {
    const { opened, open } = gate();
    const first = await trial.start(() => opened);
    const [message, next] = [thing(), thing()];
    await trial.publish(message);
    await trial.until(1);
    assert.deepEqual(await first.stop({ deadlineMs: 1 }), { ...nothing, aborted: 1 });
    open();
    await new Promise(setImmediate);
    const second = await trial.start();
    await trial.until(2);
    await trial.publish(next);
    await trial.until(3);
    await second.stop();
    assert.deepEqual(trial.handled(), idsOf([message, message, next]));
  },
  "stops while a message waits for its retry, and tries it after the next start": async (trial) => {
    const [failed, other] = things(2);
    assert.ok(failed && other);
    const first = await trial.start(({ message }) => {
      if (message.id === failed.id) throw retryAfter(100);
    });
    await trial.publish(failed, other);
    await trial.until(2);
    const { aborted } = await first.stop();
    assert.equal(aborted, 0);
    const second = await trial.start();
    await trial.until(3);
    await second.stop();
    assert.equal(trial.handled().at(-1), failed.id);
  },
  "starts and stops many times, and loses and repeats nothing": async (trial) => {
    const messages = things(10);
    for (const [n, message] of messages.entries()) {
      const receiver = await trial.start();
      await trial.publish(message);
      if (n % 2 === 0) await trial.until(n + 1);
      await receiver.stop();
    }
    await trial.start();
    await trial.until(messages.length);
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
} satisfies Cases<SourceTrial>;
