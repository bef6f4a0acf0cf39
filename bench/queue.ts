import type pg from "pg";
import { createMessage, Receiver } from "../src/index.js";
import {
  intervalTrigger,
  migrate,
  notifyTrigger,
  postgresDestination,
  postgresSource,
} from "../src/postgres.js";

const BATCH = 1_000;

/** A fresh schema whose log holds so many messages. */
export async function fillLog(pool: pg.Pool, messages: number): Promise<void> {
  await pool.query("drop schema if exists opinionated_events cascade");
  await migrate(pool);
  const destination = postgresDestination({ pool });
  const { signal } = new AbortController();
  for (let from = 0; from < messages; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) =>
      createMessage("user.created", { userId: from + n, email: `u${from + n}@example.com`, n }),
    );
    await destination.deliver(batch, { signal });
  }
  await pool.query("vacuum analyze opinionated_events.message");
}

/** Drains it with a receiver of default settings. Fails unless every handler saw its payload, once. */
export async function drainQueue(pool: pg.Pool, connectionString: string, messages: number) {
  const triggers = [notifyTrigger({ connectionString }), intervalTrigger(1_000)];
  const receiver = new Receiver({
    source: postgresSource({ pool, triggers }),
    onError: console.error,
  });
  const tenths: number[] = [];
  let count = 0;
  let sum = 0;
  let startedAt = 0;
  const drained = new Promise<void>((resolve) => {
    receiver.on("bench", "user.created", ({ payload }) => {
      sum += (payload as { n: number }).n;
      count += 1;
      if (count % (messages / 10) === 0) tenths.push(performance.now() - startedAt);
      if (count === messages) resolve();
    });
  });
  receiver.queue("bench", { startAt: "earliest" });
  startedAt = performance.now();
  await receiver.start();
  await drained;
  await receiver.stop();
  const expected = (messages / BATCH) * ((BATCH * (BATCH - 1)) / 2);
  if (count !== messages || sum !== expected)
    throw new Error(`Handled ${count} of ${messages}, sum ${sum} of ${expected}.`);
  return { tenths };
}
