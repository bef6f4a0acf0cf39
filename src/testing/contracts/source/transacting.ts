import assert from "node:assert/strict";
import type { SqlClient } from "../../../transaction/sql-client.js";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { until } from "../until.js";
import type { SourceTransactions } from "./subject.js";
import type { SourceTrial } from "./trial.js";

/** For sources with transactions. */
export const transacting = {
  "commits what a transactional handler wrote, once": async (trial) => {
    const messages = things(20);
    const receiver = await trial.startTransactional(({ message, tx }) =>
      transactionsOf(trial).write(tx, message.id),
    );
    await trial.publish(...messages);
    await trial.until(messages.length);
    await receiver.stop();
    const written = await transactionsOf(trial).written();
    assert.deepEqual([...written].sort(), idsOf(messages).sort());
  },
  "shows nothing of it before it has ended": async (trial) => {
    const seen: (readonly string[])[] = [];
    await trial.startTransactional(async ({ message, tx }) => {
      await transactionsOf(trial).write(tx, message.id);
      seen.push(await transactionsOf(trial).written());
    });
    await trial.publish(...things(1));
    await untilWritten(trial, 1);
    assert.deepEqual(seen, [[]]);
  },
  "keeps nothing of a transactional handler that failed": async (trial) => {
    const messages = things(3);
    await trial.startTransactional(async ({ message, attempt, tx }) => {
      await transactionsOf(trial).write(tx, message.id);
      if (attempt === 1) throw new Error("not yet");
    });
    await trial.publish(...messages);
    await untilWritten(trial, messages.length);
    const written = await transactionsOf(trial).written();
    assert.deepEqual([...written].sort(), idsOf(messages).sort());
    assert.deepEqual(trial.handled().sort(), idsOf([...messages, ...messages]).sort());
  },
  "goes on when a transactional handler has spoilt its transaction": async (trial) => {
    const messages = things(3);
    await trial.startTransactional(async ({ message, attempt, tx }) => {
      await transactionsOf(trial).write(tx, message.id);
      if (attempt === 1) await spoil(tx);
    });
    await trial.publish(...messages);
    await untilWritten(trial, messages.length);
    const written = await transactionsOf(trial).written();
    assert.deepEqual([...written].sort(), idsOf(messages).sort());
  },
} satisfies Cases<SourceTrial>;

/** For sources without transactions. */
export const notTransacting = {
  "refuses transactional handlers at the start": async (trial) => {
    const refused = trial.startTransactional(() => {});
    await assert.rejects(refused, { code: "TRANSACTION_UNSUPPORTED" });
  },
} satisfies Cases<SourceTrial>;

/** A statement that no database understands, whose error is passed over. */
async function spoil(tx: SqlClient): Promise<void> {
  await tx.query("no statement").catch(() => {});
}

function transactionsOf({ subject }: SourceTrial): SourceTransactions {
  assert.ok(subject.transactions, "A transactional source's subject needs `transactions`.");
  return subject.transactions;
}

function untilWritten(trial: SourceTrial, count: number): Promise<void> {
  return until(
    `${count} messages have had their effect`,
    async () => (await transactionsOf(trial).written()).length >= count,
  );
}
