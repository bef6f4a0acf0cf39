import fc from "fast-check";
import { expect } from "vitest";
import { dropCursors, sweep } from "../../src/postgres/takeover.js";
import { both, type Command, command, pick, place, which } from "./command.js";
import type { Lease, Model } from "./model.js";

/** The worker has not been heard of for the length of its lease. */
function expireLeaseOf(n: number): Command {
  return command(
    `expireLease(${n})`,
    async (model, { engine }) => {
      const lease = pick(model.openLeases(), n) as Lease;
      await engine.sql(
        "update opinionated_events.lease set expires_at = clock_timestamp() where token = $1",
        [lease.key.token],
      );
      lease.isOver = true;
    },
    (model) => model.openLeases().length > 0,
  );
}

/** As a source tidies up: who is gone gets no grace, but loses its lease only the next time. */
function sweepOf(q: number): Command {
  return command(`sweep(${q})`, async (model, { engine }) => {
    const queue = model.queues[q] as string;
    const { taken } = await sweep(engine.db, [queue], 0);
    await dropCursors(engine.db, [queue]);
    const before = model.rows.size;
    for (const lease of model.openLeases().filter(({ key }) => key.queue === queue)) {
      if (lease.isOver) takeOver(model, lease);
      else if (lease.isGone) lease.isOver = true;
    }
    expect(taken).toBe(model.rows.size - before);
    for (const row of model.rowsOf(queue)) if (row.token && row.isGone) row.isDue = true;
    model.dropCursors(queue);
  });
}

function takeOver(model: Model, lease: Lease): void {
  lease.hasEnded = true;
  const { queue, topic } = lease.key;
  if (!model.isSubscribed(queue, topic)) return;
  for (const [position, message] of lease.messages) {
    if (lease.done.has(position)) continue;
    const isDue = !message.isDelayed;
    const state = isDue ? "waiting" : "scheduled";
    const lost = Number(isDue);
    model.addRow({ queue, message, state, attempt: lost, lost, isDue });
  }
}

export const expireLease = which.map(expireLeaseOf);
export const sweepQueue = place.map(sweepOf);
/** Both, so that takeovers are no rarity. */
export const crash = fc.tuple(which, place).map(([n, q]) => both(expireLeaseOf(n), sweepOf(q)));
