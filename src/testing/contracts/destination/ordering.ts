import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

export const ordering = {
  "keeps the order of a call, and of calls one after the other": async (subject) => {
    const messages = things(100);
    for (let n = 0; n < messages.length; n += 10) await deliver(subject, messages.slice(n, n + 10));
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
} satisfies Cases<DestinationSubject>;
