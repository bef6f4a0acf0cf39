import { relay } from "opinionated-events";
import { kafkaDestination } from "opinionated-events/kafka";
import { intervalTrigger, notifyTrigger, postgresSource } from "opinionated-events/postgres";
import pg from "pg";
import { serveUntilStopped } from "../child.js";
import { clientOf, topicOf } from "./place.js";

/** From the outbox to Kafka: `relay.ts DATABASE_URL BROKERS PREFIX`. */
const [connectionString = "", brokers = "", prefix = ""] = process.argv.slice(2);

async function main(): Promise<void> {
  const place = { brokers, prefix };
  const pool = new pg.Pool({ connectionString });
  const producer = clientOf(place).producer();
  const running = await relay({
    from: postgresSource({
      pool,
      triggers: [notifyTrigger({ connectionString }), intervalTrigger(1_000)],
    }),
    to: kafkaDestination({ producer, topicOf: topicOf(place) }),
    queue: "to-kafka",
    names: ["*"],
  });
  await serveUntilStopped(async () => {
    await running.stop();
    await producer.disconnect();
    await pool.end();
  });
}

main();
