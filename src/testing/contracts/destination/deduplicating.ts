import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

export const deduplicating = {
  "keeps an id once that comes twice in one call": async (subject) => {
    const message = thing();
    await deliver(subject, [message, message]);
    assert.deepEqual(idsOf(await subject.received()), [message.id]);
  },
  "keeps an id once that comes in concurrent calls": async (subject) => {
    const message = thing();
    await Promise.all(Array.from({ length: 10 }, () => deliver(subject, [message])));
    assert.deepEqual(idsOf(await subject.received()), [message.id]);
  },
  "keeps the first message of an id": async (subject) => {
    const first = thing(1);
    await deliver(subject, [first]);
    await deliver(subject, [thing(2, { id: first.id })]);
    const payloads = (await subject.received()).map(({ payload }) => payload);
    assert.deepEqual(payloads, [first.payload]);
  },
  "tells a duplicate from what is new, if it tells anything": async (subject) => {
    const [first, second] = things(2);
    assert.ok(first && second);
    await deliver(subject, [first]);
    const results = await deliver(subject, [first, second]);
    const duplicates = results?.map(({ status }) => status === "duplicate") ?? [true, false];
    assert.deepEqual(duplicates, [true, false]);
    assert.deepEqual(idsOf(await subject.received()), idsOf([first, second]));
  },
} satisfies Cases<DestinationSubject>;
