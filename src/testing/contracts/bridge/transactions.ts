import assert from "node:assert/strict";
import type { SqlClient } from "../../../transaction/sql-client.js";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { fake } from "./fakes.js";
import type { BridgeSubject } from "./subject.js";

const tx: SqlClient = { query: async () => ({ rows: [] }) };

/** For a bridge that can join the caller's transaction. */
export const joining = {
  "hands the transaction to every destination, one after the other": async ({ create }) => {
    let running = 0;
    const clients: unknown[] = [];
    const all = ["one", "two"].map((name) => ({
      ...fake(name, undefined, { transactional: true }),
      async deliver(_: unknown, { tx: client }: { readonly tx?: SqlClient }) {
        running += 1;
        assert.equal(running, 1);
        clients.push(client);
        await new Promise(setImmediate);
        running -= 1;
      },
    }));
    await create(all).publish(things(1), { tx });
    assert.deepEqual(clients, [tx, tx]);
  },
  "refuses a transaction that a destination can't join, before it sends anything": async ({
    create,
  }) => {
    const all = [fake("can", undefined, { transactional: true }), fake("can't")];
    const bridge = create(all);
    await assert.rejects(bridge.publish(things(1), { tx }), { code: "TRANSACTION_UNSUPPORTED" });
    await bridge.drain();
    for (const { calls } of all) assert.deepEqual(calls, []);
  },
  "publishes without a transaction to the same destinations": async ({ create }) => {
    const destination = fake("can", undefined, { transactional: true });
    const messages = things(2);
    await create([destination]).publish(messages, {});
    assert.deepEqual(idsOf(destination.messages), idsOf(messages));
  },
} satisfies Cases<BridgeSubject>;

/** For a bridge that delivers after the publish. */
export const refusing = {
  "refuses every transaction, before it sends anything": async ({ create }) => {
    const destination = fake("can", undefined, { transactional: true });
    const bridge = create([destination]);
    await assert.rejects(bridge.publish(things(1), { tx }), { code: "TRANSACTION_UNSUPPORTED" });
    await bridge.drain();
    assert.deepEqual(destination.calls, []);
  },
} satisfies Cases<BridgeSubject>;
