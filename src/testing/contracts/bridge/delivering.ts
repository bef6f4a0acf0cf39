import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { gate } from "../until.js";
import { fake } from "./fakes.js";
import { publishAll } from "./publish.js";
import type { BridgeSubject } from "./subject.js";

export const delivering = {
  "answers with a result for each message, in order": async ({ create }) => {
    const bridge = create([fake("one"), fake("two")]);
    const messages = things(3);
    const results = await bridge.publish(messages, {});
    assert.deepEqual(idsOf(results), idsOf(messages));
    for (const { status } of results) assert.match(status, /^(stored|duplicate|accepted)$/);
    await bridge.drain();
  },
  "delivers the messages themselves to every destination, in order": async ({ create }) => {
    const all = [fake("one"), fake("two"), fake("three")];
    const messages = things(3);
    assert.deepEqual(await publishAll(create(all), messages), []);
    for (const destination of all) {
      assert.equal(destination.messages.length, messages.length);
      for (const [n, message] of messages.entries()) assert.equal(destination.messages[n], message);
    }
  },
  "delivers concurrent publishes, each message once": async ({ create }) => {
    const destination = fake("one");
    const batches = Array.from({ length: 50 }, () => things(3));
    await publishAll(create([destination]), ...batches);
    assert.deepEqual(idsOf(destination.messages).sort(), idsOf(batches.flat()).sort());
  },
  "keeps the order of publishes one after the other": async ({ create }) => {
    const destination = fake("one", undefined, { ordered: true });
    const bridge = create([destination]);
    const messages = things(30);
    for (const message of messages) await bridge.publish([message], {});
    await bridge.drain();
    assert.deepEqual(idsOf(destination.messages), idsOf(messages));
  },
  "cuts what is more than a destination takes in one call": async ({ create }) => {
    const destination = fake("one", undefined, { maxBatch: 4 });
    const messages = things(10);
    await publishAll(create([destination]), messages);
    assert.deepEqual(
      destination.calls.map((batch) => batch.length),
      [4, 4, 2],
    );
    assert.deepEqual(idsOf(destination.messages), idsOf(messages));
  },
  "leaves it to the destination to know an id again": async ({ create }) => {
    const destination = fake("one");
    const message = thing();
    await publishAll(create([destination]), [message, message], [message]);
    assert.deepEqual(idsOf(destination.messages), Array(3).fill(message.id));
  },
  "calls nobody for an empty publish": async ({ create }) => {
    const destination = fake("one");
    const bridge = create([destination]);
    assert.deepEqual(await bridge.publish([], {}), []);
    await bridge.drain();
    assert.deepEqual(destination.calls, []);
  },
  "is not touched by what the caller does to the array later": async ({ create }) => {
    const { opened, open } = gate();
    const destination = fake("one", () => opened, { maxBatch: 1 });
    const bridge = create([destination]);
    const messages = things(3);
    const ids = idsOf(messages);
    const publishing = bridge.publish(messages, {});
    messages.length = 0;
    open();
    assert.deepEqual(idsOf(await publishing), ids);
    await bridge.drain();
    assert.deepEqual(idsOf(destination.messages), ids);
  },
  "waits for a destination that answers late": async ({ create }) => {
    const { opened, open } = gate();
    const [late, quick] = [fake("late", () => opened), fake("quick")];
    const bridge = create([late, quick]);
    const publishing = bridge.publish(things(1), {});
    let isDrained = false;
    const draining = bridge.drain().then(() => {
      isDrained = true;
    });
    await new Promise(setImmediate);
    assert.deepEqual([late.calls.length, quick.calls.length, isDrained], [1, 1, false]);
    open();
    await Promise.all([publishing, draining]);
  },
} satisfies Cases<BridgeSubject>;
