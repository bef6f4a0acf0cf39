import assert from "node:assert/strict";
import { createMessage } from "../../../message/create-message.js";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { gate, until } from "../until.js";
import type { SourceTrial } from "./trial.js";

/** Counts what runs at once, and holds it until the gate is opened. */
function counter() {
  const { opened, open } = gate();
  const count = { now: 0, most: 0 };
  const act = async () => {
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    await opened;
    count.now -= 1;
  };
  return { count, act, open };
}

export const sharing = {
  "gives every queue what it subscribes to, and nothing else": async (trial) => {
    const [made, sold, other] = ["thing.made", "thing.sold", "other.made"].map((name) =>
      createMessage(name, {}),
    ) as [
      ReturnType<typeof createMessage>,
      ReturnType<typeof createMessage>,
      ReturnType<typeof createMessage>,
    ];
    const queues = { name: ["thing.made"], pattern: ["thing.*"], all: ["*"] };
    const receiver = await trial.start(undefined, { queues });
    await trial.publish(made, sold, other);
    await trial.until(6);
    await receiver.stop();
    assert.deepEqual(trial.handled("name"), [made.id]);
    assert.deepEqual(trial.handled("pattern").sort(), idsOf([made, sold]).sort());
    assert.deepEqual(trial.handled("all").sort(), idsOf([made, sold, other]).sort());
  },
  "gives a queue with overlapping patterns each message once": async (trial) => {
    const messages = things(3);
    const queues = { q: ["thing.made", "thing.*", "*"] };
    const receiver = await trial.start(undefined, { queues });
    await trial.publish(...messages);
    await trial.until(3);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "lets one queue fail without the other": async (trial) => {
    const messages = things(3);
    const fail = ({ queue, attempt }: { queue: string; attempt: number }) => {
      if (queue === "bad" && attempt === 1) throw new Error("not yet");
    };
    const receiver = await trial.start(fail, { queues: { bad: ["thing.*"], good: ["thing.*"] } });
    await trial.publish(...messages);
    await trial.until(9);
    await receiver.stop();
    assert.deepEqual(trial.handled("good").sort(), idsOf(messages).sort());
    assert.deepEqual(trial.handled("bad").sort(), idsOf([...messages, ...messages]).sort());
  },
  "lets the workers of one queue compete": async (trial) => {
    const messages = things(50);
    const workers = new Set<string>();
    const both = (name: string) => async () => {
      workers.add(name);
      await until("both workers have work", () => workers.size === 2);
    };
    const one = await trial.start(both("one"), { maxWorkers: 1 });
    const two = await trial.start(both("two"), { maxWorkers: 1 });
    await trial.publish(...messages);
    await trial.until(messages.length);
    await Promise.all([one.stop(), two.stop()]);
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
  },
  "runs as many handlers of a queue at once as its concurrency says": async (trial) => {
    const { count, act, open } = counter();
    const receiver = await trial.start(act, { options: { concurrency: 2 } });
    await trial.publish(...things(12));
    await until("two handlers run", () => count.now === 2);
    open();
    await trial.until(12);
    await receiver.stop();
    assert.equal(count.most, 2);
  },
  "runs as many handlers at once as there are workers": async (trial) => {
    const { count, act, open } = counter();
    const queues = { one: ["thing.*"], two: ["thing.*"] };
    const receiver = await trial.start(act, { queues, maxWorkers: 3 });
    await trial.publish(...things(6));
    await until("three handlers run", () => count.now === 3);
    open();
    await trial.until(12);
    await receiver.stop();
    assert.equal(count.most, 3);
  },
} satisfies Cases<SourceTrial>;
