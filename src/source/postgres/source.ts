import { randomUUID } from "node:crypto";
import { assertInteger, assertOptions } from "../../message/options.js";
import { checkSchema } from "../../postgres/check.js";
import { Database, type PgPool } from "../../postgres/database.js";
import type { Notification } from "../../postgres/listener.js";
import { declareQueue } from "../../postgres/queue.js";
import { subscribe } from "../../postgres/subscription.js";
import { notifyChannel } from "../../postgres/wake.js";
import type { RunningSource, Source, SourceContext } from "../source.js";
import { noticing, rebase } from "./changed.js";
import { PostgresRun } from "./run.js";
import { assertRoom } from "./transactions.js";
import type { Trigger } from "./trigger.js";

export interface PostgresSourceOptions {
  /**
   * A `pg.Pool`. No connection of it is held while a handler runs, unless that is transactional; then the pool needs three
   * at least, and so many less two of these handlers run at once.
   */
  readonly pool: PgPool;
  /** Default `opinionated_events`. */
  readonly schema?: string;
  /** Default: an interval of 1,000 ms. An interval always runs, also beside `notifyTrigger`. */
  readonly triggers?: readonly Trigger[];
  /** Handlers that run at once in this process, over all queues. Default 10. */
  readonly maxWorkers?: number;
  /** How long work stays with a process that is not heard of, in ms. Renewed each second. At least 3,000, default 30,000. */
  readonly leaseMs?: number;
  /**
   * Reads with prepared statements, which the server parses once a connection: some 20 µs less of its CPU for each claim and
   * acknowledgement. Default false, since names get lost in poolers in transaction mode that don't follow them, as PgBouncer before 1.21.
   */
  readonly preparedStatements?: boolean;
}

const DEFAULT_INTERVAL_MS = 1_000;

/**
 * Reads queues of a Postgres schema. Starting rebases a log that was restored from another cluster, of which
 * `onError` is told, subscribes what the receiver has handlers for, for good, and rejects with
 * `SCHEMA_MISSING` or `SCHEMA_OUTDATED` where `migrate` must run first, `SCHEMA_TOO_NEW` where the package must be updated,
 * `CLUSTER_CHANGED` where a restored log can't be rebased, `LISTENER_FAILED` where the trigger's connection
 * can't listen, `INVALID_OPTIONS` where the pool is too small for transactional handlers, `QUEUE_CONFLICT` where a queue is
 * ordered for others and not here, or the reverse.
 */
export function postgresSource(options: PostgresSourceOptions): Source {
  assertOptions(
    options,
    ["pool", "schema", "triggers", "maxWorkers", "leaseMs", "preparedStatements"],
    "a Postgres source",
  );
  const { triggers = [], maxWorkers = 10, leaseMs = 30_000 } = options;
  assertInteger("maxWorkers", maxWorkers, 1);
  assertInteger("leaseMs", leaseMs, 3_000);
  const db = new Database(options.pool, options.schema, options.preparedStatements);
  const notify = triggers.find((trigger) => trigger.type === "notify");
  const intervals = triggers.filter((trigger) => trigger.type === "interval").map(({ ms }) => ms);
  const intervalMs = intervals.length > 0 ? Math.min(...intervals) : DEFAULT_INTERVAL_MS;

  return {
    name: "postgres",
    capabilities: { transactional: true },
    async start(context) {
      if (context.transactional) assertRoom(db);
      await checkSchema(db);
      await rebase(db, context.onError);
      await declareAll(db, context);
      await subscribeAll(db, context);
      const session = `opinionated-events ${randomUUID()}`;
      const claimant = { session: notify ? session : null, worker: session, leaseMs };
      const onError = noticing(db, context.onError);
      const run = new PostgresRun({
        db,
        context: { ...context, onError },
        claimant,
        maxWorkers: context.sink.gathering?.atOnce ?? maxWorkers,
        intervalMs,
      });
      const wake = (what: Notification) => run.notified(what);
      const listener = await notify?.listen({
        channel: db.schema,
        session,
        notify: () => notifyChannel(db),
        wake,
        onError,
      });
      // Without a listener, an idle connection that is lost would end the process.
      options.pool.on?.("error", onError);
      run.start();
      return stoppable(run, async () => {
        // Last: others take the session for the process.
        await listener?.close();
        options.pool.off?.("error", onError);
      });
    },
  };
}

async function declareAll(db: Database, { queues }: SourceContext): Promise<void> {
  for (const [queue, { ordered = false }] of queues) await declareQueue(db, queue, { ordered });
}

async function subscribeAll(db: Database, { subscriptions, queues }: SourceContext): Promise<void> {
  for (const subscription of subscriptions) {
    await subscribe(db, subscription, queues.get(subscription.queue)?.startAt);
  }
}

function stoppable(run: PostgresRun, close: () => Promise<void>): RunningSource {
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    finished,
    async stop({ deadlineMs }) {
      const report = await run.stop(deadlineMs);
      await close();
      finish();
      return report;
    },
  };
}
