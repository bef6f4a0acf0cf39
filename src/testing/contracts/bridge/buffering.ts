import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { gate, until } from "../until.js";
import { failed, fake, PermanentError } from "./fakes.js";
import { publishAll } from "./publish.js";
import type { BridgeSubject } from "./subject.js";

const down = () => Promise.reject(new Error("down"));

/** For a bridge whose publish answers before the delivery. */
export const buffering = {
  "tries again what failed, at the destination that failed": async ({ create }) => {
    const shaky = fake("shaky", (_, call) => (call < 3 ? down() : Promise.resolve()));
    const good = fake("good");
    const messages = things(2);
    assert.deepEqual(await publishAll(create([shaky, good]), messages), []);
    assert.deepEqual(shaky.calls.map(idsOf), Array(3).fill(idsOf(messages)));
    assert.deepEqual(good.calls.map(idsOf), [idsOf(messages)]);
  },
  "tries again only the messages that failed": async ({ create }) => {
    const messages = things(3);
    const picky = fake("picky", async (batch, call) =>
      batch.map(({ id }) =>
        id === messages[1]?.id && call < 3 ? failed(new Error("not now")) : { status: "stored" },
      ),
    );
    assert.deepEqual(await publishAll(create([picky]), messages), []);
    const second = [messages[1]?.id];
    assert.deepEqual(picky.calls.map(idsOf), [idsOf(messages), second, second]);
  },
  "gives up after its last attempt": async ({ create }) => {
    const dead = fake("dead", down);
    const givenUp = await publishAll(create([dead], { maxAttempts: 3 }), things(1));
    assert.deepEqual([dead.calls.length, givenUp.length], [3, 1]);
  },
  "doesn't try again what can't be mended": async ({ create }) => {
    const dead = fake("dead", () => Promise.reject(new PermanentError("bad request")));
    const givenUp = await publishAll(create([dead], { maxAttempts: 3 }), things(1));
    assert.deepEqual([dead.calls.length, givenUp.length], [1, 1]);
  },
  "keeps the order at an ordered destination over a retry": async ({ create }) => {
    const { opened, open } = gate();
    const shaky = fake("shaky", (_, call) => (call === 1 ? opened.then(down) : Promise.resolve()), {
      ordered: true,
    });
    const bridge = create([shaky]);
    const messages = things(4);
    await bridge.publish(messages.slice(0, 2), {});
    await until("the first call runs", () => shaky.calls.length === 1);
    await bridge.publish(messages.slice(2), {});
    open();
    await bridge.drain();
    assert.deepEqual(idsOf(shaky.calls.slice(1).flat()), idsOf(messages));
  },
  "makes a publish wait while a buffer is full": async ({ create }) => {
    const { opened, open } = gate();
    const slow = fake("slow", () => opened);
    const bridge = create([slow], { maxBuffered: 2 });
    const messages = things(3);
    await bridge.publish(messages.slice(0, 2), {});
    let isAdmitted = false;
    const last = messages.slice(2);
    const waiting = bridge.publish(last, {}).then(() => {
      isAdmitted = true;
    });
    last.length = 0;
    await new Promise(setImmediate);
    assert.equal(isAdmitted, false);
    open();
    await waiting;
    await bridge.drain();
    assert.deepEqual(idsOf(slow.messages), idsOf(messages));
  },
  "rejects a publish while a buffer is full, if told to": async ({ create }) => {
    const { opened, open } = gate();
    const slow = fake("slow", () => opened);
    const bridge = create([slow], { maxBuffered: 2, whenFull: "reject" });
    const messages = things(2);
    await bridge.publish(messages, {});
    await assert.rejects(bridge.publish(things(1), {}), { code: "BUFFER_FULL" });
    open();
    await bridge.drain();
    assert.deepEqual(idsOf(slow.messages), idsOf(messages));
  },
  "refuses who waits for room when the drain begins": async ({ create }) => {
    const { opened, open } = gate();
    const slow = fake("slow", () => opened);
    const bridge = create([slow], { maxBuffered: 1 });
    await bridge.publish(things(1), {});
    const waiting = assert.rejects(bridge.publish(things(1), {}), { code: "BRIDGE_DRAINED" });
    const draining = bridge.drain();
    await waiting;
    open();
    await draining;
    assert.equal(slow.messages.length, 1);
  },
} satisfies Cases<BridgeSubject>;
