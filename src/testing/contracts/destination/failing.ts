import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

export const failing = {
  "rejects with an Error while its place can't be reached": async (subject) => {
    await outageOf(subject).begin();
    await assert.rejects(deliver(subject, things(3)), Error);
  },
  "leaves no phantom of what it rejected": async (subject) => {
    const outage = outageOf(subject);
    await outage.begin();
    await assert.rejects(deliver(subject, things(3)));
    await outage.end();
    const messages = things(1);
    await deliver(subject, messages);
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
  "takes a rejected batch when it comes again, once": async (subject) => {
    const outage = outageOf(subject);
    const messages = things(3);
    await outage.begin();
    await assert.rejects(deliver(subject, messages));
    await outage.end();
    await deliver(subject, messages);
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(messages).sort());
  },
  "keeps what it took before it failed": async (subject) => {
    const outage = outageOf(subject);
    const messages = things(3);
    await deliver(subject, messages);
    await outage.begin();
    await assert.rejects(deliver(subject, things(1)));
    await outage.end();
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(messages).sort());
  },
} satisfies Cases<DestinationSubject>;

function outageOf({ outage }: DestinationSubject) {
  assert.ok(outage, "This case needs the subject's `outage`, or is to be left out with a reason.");
  return outage;
}
