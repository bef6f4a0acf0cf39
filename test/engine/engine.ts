import pg from "pg";
import { createMessage } from "../../src/message/create-message.js";
import {
  type BatchKey,
  type ClaimedBatch,
  claimBatch,
  settleBatches,
} from "../../src/postgres/batch.js";
import { Database } from "../../src/postgres/database.js";
import { append } from "../../src/postgres/log.js";
import { migrate } from "../../src/postgres/migrate.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { subscribe } from "../../src/postgres/subscription.js";
import { sweep } from "../../src/postgres/takeover.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";

export const QUEUE = "q";
const TOPIC = "t";
export const LEASE_MS = 60_000;
const SETTLED_MS = 10_000;

/** A migrated database with the queue `q`, and what a schedule needs to run it step by step. */
export class Engine {
  readonly pool: pg.Pool;
  readonly db: Database;
  readonly url: string;
  readonly #drop: () => Promise<void>;
  /** With their process ids. */
  readonly #sessions = new Map<pg.Client, number>();

  private constructor(url: string, pool: pg.Pool, drop: () => Promise<void>) {
    this.url = url;
    this.pool = pool;
    this.db = new Database(pool);
    this.#drop = drop;
  }

  static async create(database?: TestDatabase): Promise<Engine> {
    const { url, pool, drop } = database ?? (await migratedDatabase());
    await migrate(pool);
    return new Engine(url, pool, drop);
  }

  async drop(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((session) => session.end()));
    await this.#drop();
  }

  /** A session of its own, in which a transaction can stay open while others run. */
  async session(): Promise<pg.Client> {
    const session = new pg.Client({ connectionString: this.url });
    session.on("error", () => {});
    await session.connect();
    const { rows } = await session.query("select pg_backend_pid() as pid");
    this.#sessions.set(session, rows[0].pid);
    return session;
  }

  /** Such a session with a transaction that has begun, and has its xid. */
  async writer(): Promise<pg.Client> {
    const session = await this.session();
    await session.query("begin");
    await session.query("select pg_current_xact_id()");
    return session;
  }

  async sql(text: string, values: unknown[] = []): Promise<unknown[][]> {
    const { rows } = await this.pool.query<unknown[]>({ text, values, rowMode: "array" });
    return rows;
  }

  async publish(name: string, client: SqlClient = this.pool): Promise<void> {
    await append(client, DEFAULT_SCHEMA, [createMessage(name, {})]);
  }

  subscribe(pattern: string, topic = TOPIC, startAt: "now" | "earliest" = "now"): Promise<void> {
    return subscribe(this.db, { queue: QUEUE, pattern, topic }, startAt);
  }

  claimBatch(limit = 100, leaseMs = LEASE_MS, topic = TOPIC): Promise<ClaimedBatch | undefined> {
    return claimBatch(this.db, QUEUE, topic, limit, { session: null, leaseMs });
  }

  /** The names of the next batch. */
  async claim(limit?: number, topic?: string): Promise<string[]> {
    const batch = await this.claimBatch(limit, LEASE_MS, topic);
    return batch?.messages.map(({ message }) => message.name) ?? [];
  }

  /** The key of a batch that must be there. */
  async lease(limit: number, leaseMs: number): Promise<BatchKey> {
    const batch = await this.claimBatch(limit, leaseMs);
    if (!batch) throw new Error("There is nothing to claim.");
    return batch.key;
  }

  /** Ends a lease with everything done; false if it was lost. */
  async finish(key: BatchKey): Promise<boolean> {
    const progress = [{ key, done: undefined, leftovers: new Map() }];
    return (await settleBatches(this.db, progress, LEASE_MS)).length === 0;
  }

  /** How many messages were taken over. */
  async sweep(): Promise<number> {
    return (await sweep(this.db, [QUEUE], 0)).taken;
  }

  /** The names of the messages that have a delivery, in order. */
  async deliveries(): Promise<unknown[]> {
    return (
      await this.sql("select name from opinionated_events.delivery order by position")
    ).flat();
  }

  /** Resolves when the session waits for a lock that another one holds. */
  async untilBlocked(session: pg.Client): Promise<void> {
    const deadline = performance.now() + SETTLED_MS;
    while (!(await this.#isBlocked(session))) {
      if (performance.now() > deadline) throw new Error("The session was never blocked.");
    }
  }

  async #isBlocked(session: pg.Client): Promise<boolean> {
    const blockers = "select cardinality(pg_blocking_pids($1)) > 0";
    const [row] = await this.sql(blockers, [this.#sessions.get(session)]);
    return row?.[0] === true;
  }
}

/** Starts something whose end is awaited later. */
export function started<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
