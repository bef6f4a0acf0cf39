import type pg from "pg";
import { type ConstructorOptions, PgBoss, type Queue, type WorkOptions } from "pg-boss";
import type { Place } from "../harness/scenario.js";
import type { Opened, Payload, Product, Sample } from "./product.js";

const QUEUE = "bench";

interface Settings {
  readonly boss: ConstructorOptions;
  readonly queue: Omit<Queue, "name">;
  readonly work: WorkOptions;
}

/** What served it best: a table of the queue's own, 500 jobs a fetch, woken by NOTIFY, and no pause while fetches are full. */
export const pgBoss: Product = {
  name: "pg-boss",
  role: "peer",
  open: (place) =>
    open(place, {
      boss: { useListenNotify: true },
      queue: { partition: true, notify: true },
      work: { batchSize: 500, localConcurrency: 2, burstWhenBatchFull: true },
    }),
};

/** One job a fetch, and a fetch every two seconds. */
export const pgBossDefaults: Product = {
  name: "pg-boss, defaults",
  role: "peer",
  open: (place) => open(place, { boss: {}, queue: {}, work: {} }),
};

async function open({ url, pool }: Place, settings: Settings): Promise<Opened> {
  const boss = new PgBoss({ connectionString: url, ...settings.boss });
  boss.on("error", console.error);
  await boss.start();
  await boss.createQueue(QUEUE, settings.queue);
  return {
    async publishIn(client, sample) {
      await boss.send(QUEUE, dataOf(sample), { db: databaseOf(client) });
    },
    async publishBatch(samples) {
      await boss.insert(
        QUEUE,
        samples.map((sample) => ({ data: dataOf(sample) })),
      );
    },
    async consume(handle, { concurrency } = {}) {
      const work = concurrency ? atOnce(settings.work, concurrency) : settings.work;
      await boss.work<Payload>(QUEUE, work, async (jobs) => {
        await Promise.all(jobs.map(({ data }) => handle(data)));
      });
      return { stop: () => boss.offWork(QUEUE) };
    },
    async analyze() {
      await pool.query("vacuum analyze");
    },
    async left() {
      const { rows } = await pool.query(
        "select count(*) as left from pgboss.job where name = $1 and state <> 'completed'",
        [QUEUE],
      );
      return Number(rows[0].left);
    },
    async close() {
      await boss.stop({ graceful: false });
    },
  };
}

/** A batch is handled at once. */
function atOnce(work: WorkOptions, concurrency: number): WorkOptions {
  const { localConcurrency = 1 } = work;
  return { ...work, batchSize: Math.max(1, Math.floor(concurrency / localConcurrency)) };
}

function databaseOf(client: pg.ClientBase) {
  return { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
}

/** Neither the key nor the headers are columns of a standard queue: they travel with the data. */
function dataOf({ payload, key, headers }: Sample): Payload {
  return key || headers ? { ...payload, key, headers } : payload;
}
