import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { until } from "../until.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

export const dedupKeys = {
  "keeps one message of a dedup key that comes twice in one call": async (subject) => {
    const [first, second, other] = things(3, { dedupKey: "k" });
    const plain = thing();
    assert.ok(first && second && other);
    const results = await deliver(subject, [first, second, plain, other]);
    assert.deepEqual(
      results?.map(({ status }) => status),
      ["stored", "duplicate", "stored", "duplicate"],
    );
    assert.deepEqual(idsOf(await subject.received()), idsOf([first, plain]));
  },
  "keeps one message of a dedup key that comes in concurrent calls": async (subject) => {
    const messages = things(10, { dedupKey: "k" });
    await Promise.all(messages.map((message) => deliver(subject, [message])));
    assert.equal((await subject.received()).length, 1);
  },
  "keeps the dedup keys of one topic apart from those of others": async (subject) => {
    const messages = ["one", "two"].map((topic) => thing(0, { topic, dedupKey: "k" }));
    for (const message of messages) await deliver(subject, [message]);
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
  "keeps a message of a dedup key again once its window is over": async (subject) => {
    const again = () => deliver(subject, [thing(0, { dedupKey: "k", dedupMs: 5 })]);
    await again();
    await until("the window is over", async () => (await again())?.[0]?.status === "stored");
    assert.equal((await subject.received()).length, 2);
  },
  "leaves a dedup key as it is where the id is a duplicate": async (subject) => {
    const [first, second] = [thing(1), thing(2, { dedupKey: "k" })];
    await deliver(subject, [first]);
    await deliver(subject, [thing(1, { id: first.id, dedupKey: "k" })]);
    await deliver(subject, [second]);
    assert.deepEqual(idsOf(await subject.received()), idsOf([first, second]));
  },
} satisfies Cases<DestinationSubject>;
