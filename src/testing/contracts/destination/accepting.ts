import assert from "node:assert/strict";
import { capabilitiesOf } from "../../../destination/capabilities.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

const MANY = 1_000;

export const accepting = {
  "has a name": async ({ destination }) => {
    assert.equal(typeof destination.name, "string");
    assert.notEqual(destination.name, "");
  },
  "accepts one message": async (subject) => {
    const message = thing();
    await deliver(subject, [message]);
    assert.deepEqual(idsOf(await subject.received()), [message.id]);
  },
  "accepts an empty batch": async (subject) => {
    await deliver(subject, []);
    assert.deepEqual(await subject.received(), []);
  },
  "accepts as many messages in one call as it says": async (subject) => {
    const { maxBatch } = capabilitiesOf(subject.destination);
    const messages = things(Math.min(maxBatch, MANY));
    await deliver(subject, messages);
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(messages).sort());
  },
  "accepts concurrent calls": async (subject) => {
    const batches = Array.from({ length: 20 }, () => things(5));
    await Promise.all(batches.map((batch) => deliver(subject, batch)));
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(batches.flat()).sort());
  },
  "accepts messages of many topics in one call": async (subject) => {
    const messages = ["a", "b", "c"].map((topic) => thing(0, { topic }));
    await deliver(subject, messages);
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(messages).sort());
  },
} satisfies Cases<DestinationSubject>;
