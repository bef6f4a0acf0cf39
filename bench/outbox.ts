import type pg from "pg";
import { createMessage, type Destination, type Message, relay } from "../src/index.js";
import {
  intervalTrigger,
  migrate,
  notifyTrigger,
  postgresDestination,
  postgresSource,
} from "../src/postgres.js";

const BATCH = 1_000;

/** A message whose payload is about 150 bytes long. */
export function record(n: number, keys: number): Message<{ readonly n: number }> {
  const email = `user.${n}@example.com`;
  const payload = { n, email, text: "x".repeat(110 - email.length) };
  return createMessage("user.created", payload, keys > 0 ? { key: `k${n % keys}` } : {});
}

/** A fresh schema whose log holds so many messages, with so many keys; 0 for none. */
export async function fillOutbox(pool: pg.Pool, messages: number, keys: number): Promise<void> {
  await pool.query("drop schema if exists opinionated_events cascade");
  await migrate(pool);
  const destination = postgresDestination({ pool });
  const { signal } = new AbortController();
  for (let from = 0; from < messages; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) => record(from + n, keys));
    await destination.deliver(batch, { signal });
  }
  await pool.query("vacuum analyze opinionated_events.message");
}

export interface Outbox {
  readonly pool: pg.Pool;
  readonly url: string;
  readonly to: Destination;
  readonly messages: number;
}

/** Relays all of it. Resolves with the milliseconds from the start to the last acknowledgement. */
export async function drainOutbox({ pool, url, to, messages }: Outbox): Promise<number> {
  let arrived = 0;
  let resolve = () => {};
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  const counting: Destination = {
    ...to,
    async deliver(batch, options) {
      const results = await to.deliver(batch, options);
      arrived += batch.length;
      if (arrived >= messages) resolve();
      return results;
    },
  };
  const triggers = [notifyTrigger({ connectionString: url }), intervalTrigger(1_000)];
  const startedAt = performance.now();
  const running = await relay({
    from: postgresSource({ pool, triggers }),
    to: counting,
    queue: "to-broker",
    names: ["*"],
    startAt: "earliest",
  });
  await all;
  const tookMs = performance.now() - startedAt;
  await running.stop();
  return tookMs;
}

/** Accepts what it is given in the next turn of the event loop. `check` throws unless each message came once, in order of its key. */
export function acceptingDestination(messages: number) {
  const seen = new Uint8Array(messages);
  const last = new Map<string, number>();
  let problems = 0;
  return {
    name: "accepting",
    capabilities: { ordered: true },
    async deliver(batch: readonly Message[]): Promise<void> {
      for (const { key, payload } of batch) {
        const { n } = payload as { n: number };
        if (seen[n]) problems += 1;
        seen[n] = 1;
        if (key === undefined) continue;
        if (n < (last.get(key) ?? -1)) problems += 1;
        last.set(key, n);
      }
      await new Promise(setImmediate);
    },
    check() {
      const missing = seen.filter((times) => times === 0).length;
      if (problems + missing > 0)
        throw new Error(`${problems} repeated or out of order, ${missing} missing.`);
    },
  };
}
