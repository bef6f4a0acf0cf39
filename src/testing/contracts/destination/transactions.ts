import assert from "node:assert/strict";
import type { Message } from "../../../message/message.js";
import type { SqlClient } from "../../../transaction/sql-client.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { deliver } from "./deliver.js";
import type { DestinationSubject } from "./subject.js";

export const transactions = {
  "shows messages once their transaction has committed, and not before": async (subject) => {
    const messages = things(3);
    await transaction(subject, async (tx) => {
      await deliverIn(subject, tx, messages);
      assert.deepEqual(await subject.received(), []);
    });
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
  "leaves nothing of a transaction that rolled back": async (subject) => {
    const messages = things(3);
    const failed = new Error("rolled back");
    const rolledBack = transaction(subject, async (tx) => {
      await deliverIn(subject, tx, messages);
      throw failed;
    });
    await assert.rejects(rolledBack, failed);
    assert.deepEqual(await subject.received(), []);
    await deliver(subject, messages);
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
  "takes several calls in one transaction": async (subject) => {
    const messages = things(3);
    await transaction(subject, async (tx) => {
      for (const message of messages) await deliverIn(subject, tx, [message]);
    });
    assert.deepEqual(idsOf(await subject.received()), idsOf(messages));
  },
  "keeps transactions apart that run at once": async (subject) => {
    const messages = things(10);
    const outcomes = messages.map((message, n) =>
      transaction(subject, async (tx) => {
        await deliverIn(subject, tx, [message]);
        if (n % 2 === 1) throw new Error("rolled back");
      }),
    );
    await Promise.allSettled(outcomes);
    const committed = messages.filter((_, n) => n % 2 === 0);
    assert.deepEqual(idsOf(await subject.received()).sort(), idsOf(committed).sort());
  },
  "doesn't spoil the transaction with a duplicate": async (subject) => {
    const [first, second] = [thing(1), thing(2)];
    await deliver(subject, [first]);
    await transaction(subject, async (tx) => {
      await deliverIn(subject, tx, [first]);
      await deliverIn(subject, tx, [second]);
    });
    assert.deepEqual(idsOf(await subject.received()), idsOf([first, second]));
  },
} satisfies Cases<DestinationSubject>;

function transaction(
  subject: DestinationSubject,
  fn: (tx: SqlClient) => Promise<void>,
): Promise<void> {
  assert.ok(subject.transaction, "A transactional destination's subject needs `transaction`.");
  return subject.transaction(fn);
}

async function deliverIn(
  { destination }: DestinationSubject,
  tx: SqlClient,
  batch: readonly Message[],
): Promise<void> {
  const { signal } = new AbortController();
  await destination.deliver(batch, { tx, signal });
}
