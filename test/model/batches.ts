import fc from "fast-check";
import { expect } from "vitest";
import {
  type BatchProgress,
  type ClaimedBatch,
  claimBatch,
  isUnsubscribed,
  type Leftover,
  settleBatches,
} from "../../src/postgres/batch.js";
import { LEASE_MS } from "../engine/engine.js";
import { type Command, command, pick, place, which } from "./command.js";
import type { Lease, Model, Sent } from "./model.js";
import { type Fate, fate, GONE, LATER_MS } from "./worker.js";

export const claim = fc
  .tuple(place, place, fc.constantFrom(1, 2, 3, 100), fc.boolean())
  .map(([q, t, limit, isGone]): Command => {
    const cursorOf = (model: Model) =>
      model.cursor(model.queues[q] as string, model.topics[t] as string);
    return command(
      `claim(${q}, ${t}, ${limit}, ${isGone})`,
      async (model, { engine }) => {
        const claimant = { session: isGone ? GONE : null, leaseMs: LEASE_MS };
        const [queue, topic] = [model.queues[q] as string, model.topics[t] as string];
        const claiming = claimBatch(engine.db, queue, topic, limit, claimant);
        const cursor = cursorOf(model);
        if (!cursor) {
          expect(isUnsubscribed(await claiming.catch((error) => error))).toBe(true);
          return;
        }
        hold(model, await claiming, model.take(cursor, limit), isGone);
      },
      (model) => cursorOf(model)?.isSubscribed ?? true,
    );
  });

/** Fails unless the batch holds just these messages. */
function hold(
  model: Model,
  batch: ClaimedBatch | undefined,
  expected: readonly Sent[],
  isGone: boolean,
): void {
  const claimed = batch?.messages ?? [];
  expect(claimed.map(({ message, early }) => [message.id, early])).toEqual(
    expected.map(({ id, isDelayed }) => [id, isDelayed]),
  );
  if (!batch) return;
  const messages = new Map(claimed.map(({ position }, n) => [position, expected[n] as Sent]));
  const { key } = batch;
  model.leases.push({ key, messages, done: new Set(), isGone, isOver: false, hasEnded: false });
}

const leftovers: Partial<Record<Fate, Leftover>> = {
  retry: { state: "retrying", attempt: 1, afterMs: 0, reason: { code: "X" } },
  retryLater: { state: "retrying", attempt: 1, afterMs: LATER_MS, reason: { code: "X" } },
  parked: { state: "parked", attempt: 0 },
  dead: { state: "dead", attempt: 1, reason: { code: "X" } },
  released: { state: "waiting", attempt: 0 },
};
const scheduled: Leftover = { state: "scheduled", attempt: 0 };

/** What a worker says of its batch, of some messages again: it may not have had an answer. */
function progressOf({ key, messages, done }: Lease, fates: readonly Fate[]): BatchProgress {
  const settled = new Set(done);
  const rows = new Map<string, Leftover>();
  [...messages].forEach(([position, { isDelayed }], n) => {
    const what = fates[n % fates.length] as Fate;
    const leftover = isDelayed ? scheduled : leftovers[what];
    if (leftover) rows.set(position, leftover);
    if (leftover || what === "done") settled.add(position);
  });
  return { key, done: settled.size === messages.size ? undefined : [...settled], leftovers: rows };
}

function record(model: Model, lease: Lease, { done, leftovers: rows }: BatchProgress): void {
  for (const [position, { state, attempt, afterMs = 0 }] of rows) {
    if (lease.done.has(position)) continue;
    const message = lease.messages.get(position) as Sent;
    const isDue = (state === "retrying" && afterMs === 0) || state === "waiting";
    model.addRow({ queue: lease.key.queue, message, state, attempt, lost: 0, isDue });
  }
  lease.done = new Set(done);
  lease.hasEnded = done === undefined;
  lease.isOver = false;
}

const statements = fc.array(fc.tuple(which, fc.array(fate, { minLength: 1, maxLength: 4 })), {
  minLength: 1,
  maxLength: 3,
});

/** Any of the batches that were ever claimed: who has lost one does not know it yet. */
export const settle = statements.map(
  (list): Command =>
    command(
      `settle(${JSON.stringify(list)})`,
      async (model, { engine }) => {
        const chosen = new Map(list.map(([n, fates]) => [pick(model.leases, n) as Lease, fates]));
        const progress = new Map(
          [...chosen].map(([lease, fates]) => [progressOf(lease, fates), lease]),
        );
        const lost = await settleBatches(engine.db, [...progress.keys()], LEASE_MS);
        expect(lost).toEqual([...progress].filter(([, lease]) => lease.hasEnded).map(([p]) => p));
        for (const [p, lease] of progress) if (!lease.hasEnded) record(model, lease, p);
      },
      (model) => model.leases.length > 0,
    ),
);
