import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { gate } from "../until.js";
import { fake, never } from "./fakes.js";
import type { BridgeSubject } from "./subject.js";

export const draining = {
  "drains at once when there is nothing to do": async ({ create }) => {
    assert.deepEqual(await create([fake("one")]).drain(), { undelivered: { one: 0 } });
  },
  "refuses what is published after the drain has begun": async ({ create }) => {
    const { opened, open } = gate();
    const destination = fake("one", () => opened);
    const bridge = create([destination]);
    const publishing = bridge.publish(things(1), {});
    const draining = bridge.drain();
    await assert.rejects(bridge.publish(things(1), {}), { code: "BRIDGE_DRAINED" });
    open();
    await Promise.all([publishing, draining]);
    await assert.rejects(bridge.publish(things(1), {}), { code: "BRIDGE_DRAINED" });
    assert.equal(destination.messages.length, 1);
  },
  "drains once, however often it is asked to": async ({ create }) => {
    const bridge = create([fake("one")]);
    const [first, second] = [bridge.drain(), bridge.drain({ deadlineMs: 0 })];
    assert.deepEqual(await first, await second);
    assert.deepEqual(await bridge.drain(), await first);
  },
  "says at the deadline what was left, and hands it over": async ({ create }) => {
    const [deaf, good] = [fake("deaf", never), fake("good")];
    const bridge = create([deaf, good]);
    const left: string[] = [];
    bridge.onDeliveryFailure((messages, error) => {
      assert.equal((error as { code?: unknown }).code, "BRIDGE_DRAINED");
      left.push(...idsOf(messages));
    });
    const messages = things(3);
    const publishing = bridge.publish(messages, {}).catch(() => {});
    const report = await bridge.drain({ deadlineMs: 20 });
    await publishing;
    assert.deepEqual(report, { undelivered: { deaf: 3, good: 0 } });
    assert.deepEqual(left, idsOf(messages));
    assert.deepEqual(idsOf(good.messages), idsOf(messages));
  },
} satisfies Cases<BridgeSubject>;
