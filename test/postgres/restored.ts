import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { OwnPostgresServer } from "../../scripts/postgres-binaries.js";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage } from "../../src/message/create-message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { constantBackoff, withBackoff } from "../../src/receiver/middleware/backoff.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { postgresSource } from "../../src/source/postgres/source.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { silent } from "../receiver/support.js";
import type { TestDatabase } from "../support/postgres.js";
import { rows } from "./support.js";

export const NAME = "job.run";
/** Longer than a test: what is taken over was not taken over by the end of its lease. */
const LEASE_MS = 600_000;

export async function newDatabase(
  server: OwnPostgresServer,
  name: string,
  template = "template1",
): Promise<TestDatabase> {
  const admin = new pg.Pool({ connectionString: server.url, max: 1 });
  admin.on("error", () => {});
  await admin.query(`create database ${name} template ${template}`);
  const url = Object.assign(new URL(server.url), { pathname: name }).href;
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  const drop = async () => {
    await pool.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  };
  return { url, pool, drop };
}

/** So many transaction ids are used up. */
export async function burnIds({ url }: OwnPostgresServer, count: number): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  await pool.query(
    `do $$ begin for i in 1 .. ${count} loop perform pg_current_xact_id(); commit; end loop; end $$`,
  );
  await pool.end();
}

export const publisherOn = (pool: pg.Pool) =>
  new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });

/** What a receiver has handled, and what its onError was told. */
export interface Seen {
  readonly ids: string[];
  readonly errors: { readonly code?: string; readonly message: string }[];
  stop(): Promise<unknown>;
}

/**
 * Handles what is "plain". What is not hangs if `hangs`: "slow" at once, "fail" at its second attempt, so that the database
 * holds leases of batches and of deliveries.
 */
export async function receive(pool: pg.Pool, { hangs = false } = {}): Promise<Seen> {
  const source = postgresSource({
    pool,
    triggers: [intervalTrigger(50)],
    leaseMs: LEASE_MS,
    maxWorkers: 30,
  });
  const [ids, errors]: [string[], Seen["errors"]] = [[], []];
  const onError = (error: unknown) => errors.push(error as Error);
  const receiver = new Receiver({ source, logger: silent, onError });
  receiver.use(withBackoff(constantBackoff(10)));
  receiver.on("q", NAME, async ({ payload, message, attempt, signal }) => {
    if (hangs && payload === "fail" && attempt === 1) throw new Error("It fails once.");
    if (hangs && payload !== "plain")
      await new Promise((_, reject) => signal.addEventListener("abort", reject));
    ids.push(message.id);
  });
  await receiver.start();
  return { ids, errors, stop: () => receiver.stop({ deadlineMs: 0 }) };
}

/** Publishes in transactions of several connections until it is told to stop; resolves then with what has failed, and the longest. */
export function publishing(
  pool: pg.Pool,
): () => Promise<{ readonly errors: unknown[]; readonly longestMs: number }> {
  const publisher = publisherOn(pool);
  const errors: unknown[] = [];
  let longestMs = 0;
  let isStopping = false;
  const run = async () => {
    for (let n = 0; !isStopping; n += 1) {
      const payload = n % 100 === 7 ? "slow" : n % 100 === 8 ? "fail" : "plain";
      const message = createMessage(NAME, payload, { key: `${n % 5}` });
      const startedAt = performance.now();
      await transaction(pool, async (tx) => {
        await publisher.publishOne(message, withTx(tx));
        if (n % 10 === 0) await setTimeout(5);
      }).catch((error) => errors.push(error));
      longestMs = Math.max(longestMs, performance.now() - startedAt);
    }
  };
  const running = Promise.all([run(), run(), run()]);
  return async () => {
    isStopping = true;
    await running;
    return { errors, longestMs };
  };
}

export async function idsIn(pool: pg.Pool): Promise<string[]> {
  return (await rows(pool, "select id from opinionated_events.message")).map(({ id }) => id);
}

/** What is under lease, or waits in a row of its own. */
export const openIn = (pool: pg.Pool) =>
  rows(
    pool,
    "select token from opinionated_events.lease union all select token from opinionated_events.delivery",
  );

/** The batches and messages that `onError` was told of, once. */
export function saidInHand({ errors }: Seen): readonly number[] {
  const texts = errors.map(({ message }) => /(\d+) batches with (\d+) messages/.exec(message));
  const [found, ...more] = texts.filter((match) => match !== null);
  return more.length > 0 ? [] : (found?.slice(1).map(Number) ?? []);
}
