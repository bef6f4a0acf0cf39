/** A receiver of Kafka in a process of its own, which stops on SIGTERM. Records every message that it has handled. */
import { setTimeout } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { constantBackoff, fatal, type Handler, Receiver, withBackoff } from "../../../src/index.js";
import { kafkaSource } from "../../../src/kafka.js";
import type { KafkaWorkerOptions } from "../children.js";
import { type HandledLine, job, type Payload, POISONED, QUEUE, RUN } from "../messages.js";
import { Recorder } from "../record.js";

const RETRY_MS = 200;
const ignore = () => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

const options: KafkaWorkerOptions = JSON.parse(process.argv[2] as string);
const { brokers, record, handleMs, maxWorkers, sessionMs } = options;
const recorder = new Recorder(record);
const kafka = new Kafka({
  brokers: [brokers],
  logLevel: logLevel.NOTHING,
  requestTimeout: sessionMs,
  retry: { retries: 3, initialRetryTime: 50 },
});

const handle: Handler<Payload> = async ({ payload, message, attempt }) => {
  const { n, kind } = payload;
  if (kind === "exit") process.exit(POISONED);
  if (kind === "fatal") throw fatal("It can't be handled.");
  if (kind === "retry" && attempt === 1) throw new Error("The first attempt fails.");
  await setTimeout(Math.random() * handleMs);
  recorder.write([message.id, message.key ?? "", n, Date.now()] satisfies HandledLine);
};

const consumer = {
  sessionTimeout: sessionMs,
  heartbeatInterval: sessionMs / 5,
  rebalanceTimeout: 2 * sessionMs,
};
const receiver = new Receiver({
  source: kafkaSource({ kafka, maxWorkers, consumer }),
  logger: silent,
  onError: ignore,
});
receiver.use(withBackoff(constantBackoff(RETRY_MS))).queue(QUEUE, { startAt: "earliest" });
receiver.on(QUEUE, job(RUN), handle);

await receiver.start();
process.once("SIGTERM", async () => {
  await receiver.stop();
  process.disconnect();
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
