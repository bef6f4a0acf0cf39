import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerOptions } from "graphile-worker";
import type pg from "pg";
import type { Place } from "../harness/scenario.js";
import type { Opened, Payload, Product, Sample } from "./product.js";

const TASK = "bench";

interface Settings {
  readonly worker: GraphileConfig.WorkerOptions;
  readonly named?: boolean;
}

const BEST: Settings = {
  worker: {
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};

const DIRECT: Settings = { worker: { concurrentJobs: 24, maxPoolSize: 25 } };

/** What served it best: jobs are fetched 500 at a time, and those done together are completed together. */
export const graphileWorker: Product = {
  name: "graphile-worker",
  role: "peer",
  open: (place) => open(place, BEST),
};

/** What served it best where few jobs wait: each is fetched alone, by one of 24 workers. */
export const graphileWorkerDirect: Product = {
  name: "graphile-worker, no local queue",
  role: "peer",
  open: (place) => open(place, DIRECT),
};

/** Jobs of a key go to a queue of its name, which runs one at a time, in order. A local queue makes these slower. */
export const graphileWorkerOrdered: Product = {
  name: "graphile-worker, named queues",
  role: "peer",
  open: (place) => open(place, { ...DIRECT, named: true }),
};

/** Its concurrency is 1 then. */
export const graphileWorkerDefaults: Product = {
  name: "graphile-worker, defaults",
  role: "peer",
  open: (place) => open(place, { worker: {} }),
};

// Neither keys nor headers are known to it: they travel in the payload. One statement, prepared, in the user's transaction.
const ADD_JOB = { name: "add_job", text: `select 1 from graphile_worker.add_job('${TASK}', $1)` };

async function open({ url, pool }: Place, { worker, named = false }: Settings): Promise<Opened> {
  // It is read when the module is loaded.
  process.env.NO_LOG_SUCCESS = "1";
  const { Logger, makeWorkerUtils, run } = await import("graphile-worker");
  const logger = new Logger(() => (level, message) => {
    if (level === "error") console.error(message);
  });
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  return {
    async publishIn(client, sample) {
      await client.query({ ...ADD_JOB, values: [JSON.stringify(payloadOf(sample))] });
    },
    async publishBatch(samples) {
      await utils.addJobs(
        samples.map((sample) => ({
          identifier: TASK,
          payload: payloadOf(sample),
          ...(named && sample.key && { queueName: sample.key }),
        })),
      );
    },
    async consume(handle, { concurrency } = {}) {
      const options: RunnerOptions = {
        connectionString: url,
        logger,
        noHandleSignals: true,
        taskList: { [TASK]: async (payload) => handle(payload as Payload) },
        preset: {
          worker: { ...worker, ...(concurrency && { concurrentJobs: concurrency }) },
        },
      };
      const runner = await run(options);
      return {
        async stop() {
          await runner.stop();
          await completed(pool);
        },
      };
    },
    async analyze() {
      await pool.query("vacuum analyze graphile_worker._private_jobs");
    },
    async left() {
      const { rows } = await pool.query(
        "select count(*) as left from graphile_worker._private_jobs",
      );
      return Number(rows[0].left);
    },
    async close() {
      await utils.release();
    },
  };
}

/** Stopping doesn't wait for completions that are under way. */
async function completed(pool: pg.Pool): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { rowCount } = await pool.query(
      "select from graphile_worker._private_jobs where locked_at is not null limit 1",
    );
    if (rowCount === 0) return;
    await sleep(20);
  }
}

function payloadOf({ payload, key, headers }: Sample): Payload {
  return key || headers ? { ...payload, key, headers } : payload;
}
