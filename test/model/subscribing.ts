import fc from "fast-check";
import { expect } from "vitest";
import { subscribe, unsubscribe } from "../../src/postgres/subscription.js";
import { both, type Command, command, place } from "./command.js";

const startAt = fc.constantFrom("now" as const, "earliest" as const);

export function subscribeTo(q: number, t: number, start: "now" | "earliest"): Command {
  return command(`subscribe(${q}, ${t}, ${start})`, async (model, { engine }) => {
    const [queue, topic] = [model.queues[q] as string, model.topics[t] as string];
    await subscribe(engine.db, { queue, pattern: `${topic}.*`, topic }, start);
    model.subscribe(queue, topic, start);
  });
}

export const subscribeQueue = fc
  .tuple(place, place, startAt)
  .map(([q, t, start]) => subscribeTo(q, t, start));

function unsubscribeFrom(q: number, t: number, discard: boolean): Command {
  return command(`unsubscribe(${q}, ${t}, ${discard})`, async (model, { engine }) => {
    const [queue, topic] = [model.queues[q] as string, model.topics[t] as string];
    const existed = await unsubscribe(engine.pool, queue, `${topic}.*`, { discard });
    expect(existed).toBe(model.isSubscribed(queue, topic));
    const cursor = model.cursor(queue, topic);
    if (cursor) cursor.isSubscribed = false;
    model.dropCursors(queue);
    if (!discard) return;
    for (const row of model.rowsOf(queue)) {
      const isWanted = model.isSubscribed(queue, row.message.topic);
      if (!isWanted && row.state !== "dead" && row.token === undefined) model.removeRow(row);
    }
  });
}

export const unsubscribeQueue = fc
  .tuple(place, place, fc.boolean())
  .map(([q, t, discard]) => unsubscribeFrom(q, t, discard));

/** To read everything again. */
export const resubscribeQueue = fc
  .tuple(place, place)
  .map(([q, t]) => both(unsubscribeFrom(q, t, false), subscribeTo(q, t, "earliest")));
