import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.js";
import { installKafka, KAFKA_VERSION } from "./kafka-install.js";
import { keepServer } from "./kafka-keeper.js";
import { untilReady } from "./kafka-ready.js";
import type { KafkaServer } from "./server.js";

const run = promisify(execFile);
const JAVA = ["-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto"];

export interface OwnKafkaServer extends KafkaServer {
  /** Of the listener whose clients are told to come to `proxyPort`; that of all others if there is none. */
  readonly behindProxy: number;
  /** Starts it again after `halt` or `kill`, on the same port and with the same data. */
  start(): Promise<void>;
  /** Lets it stop in order, and keeps its data. */
  halt(): Promise<void>;
  /** SIGKILL. Its data are kept. */
  kill(): Promise<void>;
}

export interface KafkaOptions {
  /** A second listener tells its clients to come to this port of 127.0.0.1. */
  readonly proxyPort?: number;
  /** More lines for its server.properties. */
  readonly settings?: readonly string[];
}

/** A broker of its own, one node that is its own controller, on free ports of 127.0.0.1 and in a temporary folder. */
export async function startKafkaBinaries(options: KafkaOptions = {}): Promise<OwnKafkaServer> {
  const lib = await installKafka();
  const folder = await mkdtemp(join(tmpdir(), "opinionated-events-kafka-"));
  try {
    return await startIn(folder, ["java", ...JAVA, "-cp", join(lib, "*")], options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  folder: string,
  java: readonly [string, ...string[]],
  { proxyPort, settings = [] }: KafkaOptions,
): Promise<OwnKafkaServer> {
  const [port, controller, behindProxy] = await freePorts();
  const config = join(folder, "server.properties");
  const ports = { port, controller, behindProxy, proxyPort };
  await writeFile(config, [...properties(folder, ports), ...settings, ""].join("\n"));
  const [program, ...args] = java;
  const format = ["kafka.tools.StorageTool", "format", "-t", clusterId(), "-c", config];
  await run(program, [...args, ...format]);

  const keeper = keepServer(folder, [...java, "kafka.Kafka", config]);
  const brokers = `127.0.0.1:${port}`;
  const start = async () => {
    await keeper.start();
    await untilReady(brokers);
  };
  try {
    await start();
  } catch (error) {
    const log = await readFile(join(folder, "log"), "utf8");
    await keeper.end();
    throw new Error(`Kafka did not start:\n${log.slice(-2_000)}`, { cause: error });
  }
  return {
    brokers,
    behindProxy: proxyPort === undefined ? port : behindProxy,
    kind: `${KAFKA_VERSION} from Maven, on ${brokers}`,
    start,
    halt: keeper.stop,
    kill: keeper.kill,
    stop: keeper.end,
  };
}

interface Ports {
  readonly port: number;
  readonly controller: number;
  readonly behindProxy: number;
  readonly proxyPort: number | undefined;
}

function properties(folder: string, { port, controller, behindProxy, proxyPort }: Ports): string[] {
  const at = (name: string, number: number) => `${name}://127.0.0.1:${number}`;
  const proxied = (number: number) => (proxyPort === undefined ? [] : [at("PROXIED", number)]);
  const listeners = [at("PLAINTEXT", port), ...proxied(behindProxy), at("CONTROLLER", controller)];
  const advertised = [at("PLAINTEXT", port), ...proxied(proxyPort ?? 0)];
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=${listeners}`,
    `advertised.listeners=${advertised}`,
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
    `log.dirs=${join(folder, "data")}`,
    ...FOR_TESTS,
  ];
}

/** One node, which answers soon, and makes no topic that nobody has asked for. */
const FOR_TESTS = [
  "auto.create.topics.enable=false",
  "offsets.topic.replication.factor=1",
  "offsets.topic.num.partitions=1",
  "transaction.state.log.replication.factor=1",
  "transaction.state.log.min.isr=1",
  "transaction.state.log.num.partitions=1",
  "group.initial.rebalance.delay.ms=0",
  "group.min.session.timeout.ms=500",
  "log.cleaner.enable=false",
  // One that was killed is not taken back before this is over.
  "broker.session.timeout.ms=3000",
  "broker.heartbeat.interval.ms=500",
];

async function freePorts(): Promise<[number, number, number]> {
  const ports = new Set<number>();
  while (ports.size < 3) ports.add(await freePort());
  return [...ports] as [number, number, number];
}

/** 16 bytes as Kafka writes them; one that begins with a dash would be taken for an option. */
function clusterId(): string {
  return `k${randomBytes(16).toString("base64url").slice(1, 22)}`;
}
