import fc from "fast-check";
import { expect } from "vitest";
import type { StartAt } from "../../src/message/start-at.js";
import { seek } from "../../src/postgres/seek.js";
import { type Command, command, pick, place, which } from "./command.js";
import type { Cursor, Lease, Model, Sent } from "./model.js";
import type { World } from "./world.js";

/** To where a committed message stands (the n-th from the last), or behind all of them. */
const target = fc.oneof(
  { weight: 3, arbitrary: which },
  fc.constantFrom("now" as const, "earliest" as const),
);

export const seekQueue = fc.tuple(place, place, target).map(([q, t, to]): Command => {
  const cursorOf = (model: Model) =>
    model.cursor(model.queues[q] as string, model.topics[t] as string);
  return command(
    `seek(${q}, ${t}, ${to})`,
    async (model, world) => {
      const cursor = cursorOf(model) as Cursor;
      const first = typeof to === "number" ? pick(model.committed, to) : undefined;
      const startAt = first ? { position: await positionOf(first, world) } : toNamed(to);
      const [move] = await seek(world.engine.db, cursor.queue, startAt, cursor.topic);
      expect(move).toMatchObject({ topic: cursor.topic });
      const isBack = startAt !== "now" && BigInt(move?.to ?? 0) <= BigInt(move?.from ?? 0);
      moved(model, cursor, first?.at ?? (startAt === "now" ? Number.POSITIVE_INFINITY : 0), isBack);
    },
    (model) => cursorOf(model) !== undefined,
  );
});

function toNamed(to: number | "now" | "earliest"): StartAt {
  return to === "now" ? "now" : "earliest";
}

async function positionOf({ id }: Sent, { engine }: World): Promise<string> {
  const [row] = await engine.sql(
    "select position::text from opinionated_events.message where id = $1",
    [id],
  );
  return row?.[0] as string;
}

/** All that is committed is known, and from `first` on to be read (again); what a worker had of that it has lost. */
function moved(model: Model, cursor: Cursor, first: number, isBack: boolean): void {
  const { queue, topic } = cursor;
  const isAgain = ({ at }: Sent) => at >= first;
  const unread = model.unread(cursor).filter((message) => !isAgain(message));
  model.readFrom(cursor, first);
  if (isBack && cursor.isSubscribed) for (const message of unread) keep(model, queue, message);
  for (const lease of model.openLeases()) {
    if (lease.key.queue === queue && lease.key.topic === topic) takeBack(model, lease, isAgain);
  }
  for (const row of model.rowsOf(queue)) {
    const { message } = row;
    if (message.topic === topic && isAgain(message) && cursor.isSubscribed) model.removeRow(row);
  }
}

function takeBack(model: Model, lease: Lease, isAgain: (message: Sent) => boolean): void {
  if (![...lease.messages.values()].some(isAgain)) return;
  lease.hasEnded = true;
  const { queue, topic } = lease.key;
  if (!model.isSubscribed(queue, topic)) return;
  for (const [position, message] of lease.messages) {
    if (!lease.done.has(position) && !isAgain(message)) keep(model, queue, message);
  }
}

function keep(model: Model, queue: string, message: Sent): void {
  const isDue = !message.isDelayed;
  const state = isDue ? "waiting" : "scheduled";
  model.addRow({ queue, message, state, attempt: 0, lost: 0, isDue });
}
