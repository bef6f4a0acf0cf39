import fc from "fast-check";
import { expect } from "vitest";
import {
  type ClaimedDelivery,
  claimDeliveries,
  settleDeliveries,
} from "../../src/postgres/delivery.js";
import { LEASE_MS } from "../engine/engine.js";
import { type Command, command, pick, place, which } from "./command.js";
import type { Hold, Model, Row } from "./model.js";
import { type Fate, fate, GONE, LATER_MS } from "./worker.js";

const limits = fc.record({ limit: fc.integer({ min: 1, max: 4 }), suspects: fc.nat(2) });

export const claimRows = fc.tuple(place, limits, fc.boolean(), fc.boolean()).map(
  ([q, limit, handles, isGone]): Command =>
    command(
      `claimRows(${q}, ${JSON.stringify(limit)}, ${handles}, ${isGone})`,
      async (model, { engine }) => {
        const queue = model.queues[q] as string;
        const claimant = { session: isGone ? GONE : null, leaseMs: LEASE_MS };
        const wanted = { ...limit, patterns: handles ? ["*"] : [] };
        const claimed = await claimDeliveries(engine.db, queue, wanted, claimant);
        const rows = model.rowsOf(queue);
        const chosen = claimed.map(({ message }) => rows.find((r) => r.message.id === message.id));
        expectChoice(chosen, rows, limit, handles);
        claimed.forEach((delivery, n) => {
          hold(model, chosen[n] as Row, delivery, isGone);
        });
      },
    ),
);

/** Of those that are due alike it doesn't matter which come, but as many as may. */
function expectChoice(
  chosen: readonly (Row | undefined)[],
  rows: readonly Row[],
  { limit, suspects }: { limit: number; suspects: number },
  handles: boolean,
): void {
  const suspicious = rows.filter((row) => row.isDue && isSuspect(row));
  const others = rows.filter((row) =>
    row.state === "parked" ? handles : row.isDue && !isSuspect(row),
  );
  const among = (list: readonly Row[]) => list.filter((row) => chosen.includes(row));
  expect(among(others)).toHaveLength(Math.min(limit, others.length));
  expect(chosen).toHaveLength(among(others).length + among(suspicious).length);
  expect(among(suspicious)).toHaveLength(Math.min(suspects, suspicious.length));
}

function isSuspect({ lost, token }: Row): boolean {
  return lost + Number(token !== undefined) > 1;
}

function hold(model: Model, row: Row, { key, attempt, lost }: ClaimedDelivery, isGone: boolean) {
  row.attempt += 1;
  row.lost += row.token === undefined ? 0 : 1;
  if (row.state === "parked") row.state = "waiting";
  row.isDue = false;
  row.isGone = isGone;
  expect([attempt, lost, key.token === row.token]).toEqual([row.attempt, row.lost, false]);
  row.token = key.token;
  model.holds.push({ key, row });
}

const results = {
  running: undefined,
  done: { state: "done" },
  retry: { state: "retrying", attempt: 0, afterMs: 0, reason: { code: "X" } },
  retryLater: { state: "retrying", attempt: 0, afterMs: LATER_MS, reason: { code: "X" } },
  parked: { state: "parked", attempt: 0 },
  dead: { state: "dead", attempt: 0, reason: { code: "X" } },
  released: { state: "waiting", attempt: 0 },
} as const;

function record(model: Model, row: Row, what: Fate): void {
  const { state } = results[what] ?? {};
  row.isDue = what === "retry" || what === "released";
  if (state === undefined) return;
  row.token = undefined;
  if (state === "done") {
    model.removeRow(row);
    return;
  }
  row.state = state;
  if (state === "waiting" || state === "parked") row.attempt -= 1;
  if (state !== "waiting") row.lost = 0;
}

/** Any of the rows that were ever claimed: who has lost one does not know it yet. */
export const settleRows = fc.array(fc.tuple(which, fate), { minLength: 1, maxLength: 4 }).map(
  (list): Command =>
    command(
      `settleRows(${JSON.stringify(list)})`,
      async (model, { engine }) => {
        const chosen = new Map(list.map(([n, what]) => [pick(model.holds, n) as Hold, what]));
        const progress = [...chosen].map(([{ key }, what]) => ({ key, result: results[what] }));
        const lost = await settleDeliveries(engine.db, progress, LEASE_MS);
        const isOurs = [...chosen.keys()].map((held) => model.has(held));
        expect(lost).toEqual(progress.filter((_, n) => !isOurs[n]));
        [...chosen].forEach(([{ row }, what], n) => {
          if (isOurs[n]) record(model, row, what);
        });
      },
      (model) => model.holds.length > 0,
    ),
);

/** The worker has not been heard of for the length of its lease. */
export const expireRow = which.map(
  (n): Command =>
    command(
      `expireRow(${n})`,
      async (model, { engine }) => {
        const held = pick(model.openHolds(), n) as Hold;
        await engine.sql(
          "update opinionated_events.delivery set due_at = clock_timestamp() where token = $1",
          [held.key.token],
        );
        held.row.isDue = true;
      },
      (model) => model.openHolds().length > 0,
    ),
);

/** The time has come for what waits for it. */
export const makeDue = place.map(
  (q): Command =>
    command(`makeDue(${q})`, async (model, { engine }) => {
      const name = model.queues[q] as string;
      await engine.sql(
        `update opinionated_events.delivery set due_at = clock_timestamp()
         where queue = $1 and token is null and due_at < 'infinity'`,
        [name],
      );
      for (const row of model.rowsOf(name)) {
        if (row.token === undefined && row.state !== "parked" && row.state !== "dead")
          row.isDue = true;
      }
    }),
);
