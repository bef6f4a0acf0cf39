import assert from "node:assert/strict";
import { createMessage } from "../../../message/create-message.js";
import type { Message } from "../../../message/message.js";
import type { Cases } from "../contract.js";
import { assertSame, samples } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

const HOUR_MS = 3_600_000;

export const carrying = {
  "keeps id, name, topic, key and headers": carry(
    samples["keeps id, name, topic, key and headers"],
  ),
  "keeps every kind of JSON value": carry(samples["keeps every kind of JSON value"]),
  "keeps text of every script": carry(samples["keeps text of every script"]),
  "keeps bytes": carry(samples["keeps bytes"]),
  "keeps a payload of a megabyte": carry(samples["keeps a payload of a megabyte"]),
  "keeps the time of delivery": carry(samples["keeps the time of delivery"]),
  "keeps a delay, as such or as a time": async (subject) => {
    const before = Date.now();
    await deliver(subject, [createMessage("thing.made", 1, { delayMs: HOUR_MS })]);
    const [message] = await subject.received();
    assert.ok(message);
    const { delayMs, deliverAt, publishedAt } = message;
    const at = delayMs === undefined ? deliverAt?.getTime() : publishedAt.getTime() + delayMs;
    assert.ok(at !== undefined && Math.abs(at - before - HOUR_MS) < HOUR_MS / 2, `due at ${at}`);
  },
} satisfies Cases<DestinationSubject>;

function carry(sample: () => Message[]) {
  return async (subject: DestinationSubject) => {
    const messages = sample();
    await deliver(subject, messages);
    assertSame(await subject.received(), messages);
  };
}
