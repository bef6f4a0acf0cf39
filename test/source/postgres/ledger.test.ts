import { expect, onTestFinished, test, vi } from "vitest";
import { StoredMessage } from "../../../src/message/stored-message.js";
import type { Database } from "../../../src/postgres/database.js";
import { HeldBatch } from "../../../src/source/postgres/held.js";
import { Ledger } from "../../../src/source/postgres/ledger.js";

const publishedAt = "2026-01-01 00:00:00+00";
const row = {
  topic: "t",
  name: "t.1",
  id: "0198b7f0-0000-7000-8000-000000000001",
  key: undefined,
  json: "null",
  headersJson: null,
  publishedAt,
  deliverAt: null,
};

/** A ledger that holds batches of one message each, and what its statements have recorded: a list of batches each. */
function holding(count: number) {
  const recorded: string[][] = [];
  const run = async (_: string, [items]: readonly unknown[]) => {
    const batches: { n: number; seq: string; done?: unknown }[] = JSON.parse(String(items));
    recorded.push(batches.filter(({ done }) => done === undefined).map(({ seq }) => seq));
    return batches.map(({ n }) => [String(n)]);
  };
  const nothing = () => {};
  const ledger = new Ledger({
    db: { run } as unknown as Database,
    leaseMs: 30_000,
    onError: nothing,
    onLeftovers: nothing,
    onRecorded: nothing,
    onCommit: nothing,
    onDead: nothing,
    onSuspectOver: nothing,
    onQueueLost: nothing,
  });
  onTestFinished(() => ledger.close());
  const items = Array.from({ length: count }, (_, n) => {
    const key = { queue: "q", topic: "t", seq: String(n + 1), token: "1" };
    const messages = [{ position: "1", early: false, message: new StoredMessage(row) }];
    const batch = new HeldBatch({ key, messages, exhausted: true }, false);
    ledger.add(batch);
    return batch.items[0] as HeldBatch["items"][0];
  });
  return { ledger, items, recorded };
}

test("batches that are done soon after one was recorded are recorded together", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  vi.advanceTimersByTime(1_000);
  const { ledger, items, recorded } = holding(4);
  for (const item of items) {
    ledger.settle(item, { type: "done" });
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(recorded).toEqual([["1"]]);
  await vi.advanceTimersByTimeAsync(20);
  expect(recorded).toEqual([["1"], ["2", "3", "4"]]);
});
