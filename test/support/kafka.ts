import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { type ITopicConfig, Kafka, type KafkaConfig, logLevel } from "kafkajs";
import { inject, vi } from "vitest";
import { type OwnKafkaServer, startKafkaBinaries } from "../../scripts/kafka-binaries.js";
import { whyNoOwnKafka } from "../../scripts/kafka-server.js";
import { type FaultyProxy, startProxy } from "./proxy.js";

/** The addresses of the run's broker. */
export function kafkaBrokers(): string[] {
  return inject("kafkaBrokers").split(",");
}

/** A client of the run's broker that says nothing, and gives a request up soon. */
export function kafkaClient(config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: kafkaBrokers(),
    logLevel: logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 50 },
    ...config,
  });
}

/** A client of the run's broker whose connections all pass through a proxy that can fail. */
export async function proxiedKafka(
  config: Partial<KafkaConfig> = {},
): Promise<{ kafka: Kafka; proxy: FaultyProxy }> {
  const [host = "", port] = kafkaBrokers()[0]?.split(":") ?? [];
  const proxy = await startProxy({ host, port: Number(port) });
  // The broker tells its clients where it is; this one goes to the proxy nevertheless.
  const socketFactory: KafkaConfig["socketFactory"] = ({ onConnect }) =>
    connect({ host: "127.0.0.1", port: proxy.port }, onConnect).setKeepAlive(true);
  return { kafka: kafkaClient({ socketFactory, ...config }), proxy };
}

/** A name that nobody else has, of a topic or a group. */
export function uniqueName(prefix = "test"): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** A broker beside a busy processor takes its time. */
const PATIENCE_MS = 20_000;

/** Makes topics of the run's broker that are there when it resolves. */
export function createTopics(...topics: (string | ITopicConfig)[]): Promise<void> {
  const configs = topics.map((topic) => (typeof topic === "string" ? { topic } : topic));
  return createTopicsOf(kafkaClient(), configs);
}

/** The same of another broker. */
export async function createTopicsOf(kafka: Kafka, configs: ITopicConfig[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    // kafkajs asks for leaders once, and the broker may not know the topic so soon, nor serve it when it knows it.
    await admin.createTopics({ topics: configs, waitForLeaders: false, timeout: PATIENCE_MS });
    const served = () => Promise.all(configs.map(({ topic }) => admin.fetchTopicOffsets(topic)));
    await vi.waitFor(served, PATIENCE_MS);
  } finally {
    await admin.disconnect();
  }
}

export interface ProxiedBroker extends OwnKafkaServer {
  readonly proxy: FaultyProxy;
  /** What clients are given that are to come through the proxy, whatever client it is. */
  readonly proxied: string;
}

/** A broker of its own that the test may stop and start, and a proxy in front of it. `stop` ends both. */
export async function ownKafka(settings: readonly string[] = []): Promise<ProxiedBroker> {
  const proxy = await startProxy({ host: "127.0.0.1", port: 0 });
  const server = await startKafkaBinaries({ proxyPort: proxy.port, settings });
  proxy.lead({ host: "127.0.0.1", port: server.behindProxy });
  return {
    ...server,
    proxy,
    proxied: `127.0.0.1:${proxy.port}`,
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

/** False, with the reason printed, where no broker can be started that is the test's own; in CI it has to be. */
export async function hasOwnKafka(): Promise<boolean> {
  const reason = await whyNoOwnKafka();
  if (reason === undefined) return true;
  if (process.env.CI) throw new Error(`CI tests with a Kafka of its own: ${reason}.`);
  console.warn(`Left out: tests that stop a broker, because ${reason}.`);
  return false;
}
