import {
  exponentialBackoff,
  type Logger,
  Receiver,
  withBackoff,
  withLimit,
} from "opinionated-events";
import { kafkaSource } from "opinionated-events/kafka";
import pg from "pg";
import { serveUntilStopped } from "../child.js";
import { addHandlers } from "../handlers.js";
import { clientOf, topicOf } from "./place.js";

/** One worker of one queue: `worker.ts DATABASE_URL BROKERS PREFIX QUEUE`. The handlers are those of the plain demo. */
const [connectionString = "", brokers = "", prefix = "", queue = ""] = process.argv.slice(2);

/** Failed attempts are part of the demo, and shown at its end. */
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

async function main(): Promise<void> {
  const place = { brokers, prefix };
  const pool = new pg.Pool({ connectionString });
  const receiver = new Receiver({
    source: kafkaSource({
      kafka: clientOf(place),
      topicOf: topicOf(place),
      isOfAll: (topic) => topic.startsWith(prefix),
      groupIdOf: (name) => `${prefix}.${name}`,
      maxWorkers: 8,
      // A worker that was killed is missed so soon.
      consumer: { sessionTimeout: 6_000, heartbeatInterval: 1_000 },
    }),
    logger: silent,
    onError: (error, failed) => failed ?? console.error(error),
  });
  receiver.use(
    withBackoff(exponentialBackoff({ initialMs: 200, maxMs: 5_000, jitter: 0.5 })),
    withLimit(4),
  );
  receiver.queue(queue, { startAt: "earliest" });
  addHandlers(receiver, queue, pool);
  await receiver.start();
  await serveUntilStopped(async () => {
    await receiver.stop();
    await pool.end();
  });
}

main();
