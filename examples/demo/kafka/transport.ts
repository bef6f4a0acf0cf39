import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Pool } from "pg";
import { startKafka } from "../../../scripts/kafka-server.js";
import { killAtWork } from "../crash.js";
import type { Transport } from "../transport.js";
import { copyDeadLetters, createDeadTable } from "./dead-letters.js";
import { clientOf, type Place, topicOf } from "./place.js";

const RELAY = new URL("./relay.ts", import.meta.url);
const WORKER = new URL("./worker.ts", import.meta.url);

/** A relay brings the outbox to Kafka, and the handlers read from there. */
export async function kafka(): Promise<Transport> {
  const server = await startKafka();
  const prefix = `opinionated_events_demo_${randomBytes(4).toString("hex")}`;
  const place: Place = { brokers: server.brokers, prefix };
  const topic = topicOf(place)("github");
  const topics = [topic, `retry-${topic}`, `fail-${topic}`];

  return {
    async start({ url, pool }, processes) {
      await createDeadTable(pool);
      await createTopics(place, topics);
      const args = [url, place.brokers, place.prefix];
      const startRelay = () => processes.start(RELAY, args);
      const startWorker = (queue: string) => processes.start(WORKER, [...args, queue]);
      const [relay, stats] = await Promise.all([
        startRelay(),
        startWorker("stats"),
        startWorker("audit"),
        startWorker("notifications"),
      ]);
      return async (note) => {
        await handledSome(pool, "stats");
        await processes.kill(stats);
        note("Killed the worker of stats; another one starts.");
        await Promise.all([startWorker("stats"), crashRelay(relay)]);

        async function crashRelay(running: ChildProcess) {
          const batches = await killAtWork(pool, processes, "to-kafka", running);
          if (batches === 0) return;
          note(`Killed the relay (batches in hand: ${batches}); another one starts.`);
          await startRelay();
        }
      };
    },
    collect: (pool) => copyDeadLetters(place, pool),
    async stop() {
      await deleteTopics(place, topics);
      await server.stop();
    },
  };
}

async function handledSome(pool: Pool, queue: string): Promise<void> {
  const some = "select from handled where queue = $1 limit 1";
  while ((await pool.query(some, [queue])).rowCount === 0) await setTimeout(10);
}

async function createTopics(place: Place, topics: readonly string[]): Promise<void> {
  await withAdmin(place, (admin) =>
    admin.createTopics({
      topics: topics.map((topic) => ({ topic, numPartitions: 3 })),
      waitForLeaders: false,
    }),
  );
}

async function deleteTopics(place: Place, topics: readonly string[]): Promise<void> {
  await withAdmin(place, async (admin) => {
    const there = await admin.listTopics();
    await admin.deleteTopics({ topics: topics.filter((topic) => there.includes(topic)) });
  });
}

type Admin = ReturnType<ReturnType<typeof clientOf>["admin"]>;

async function withAdmin(place: Place, work: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = clientOf(place).admin();
  await admin.connect();
  await work(admin).finally(() => admin.disconnect());
}
