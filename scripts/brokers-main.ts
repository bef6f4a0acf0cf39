import { startKafka } from "./kafka-server.js";
import type { KafkaServer } from "./server.js";

const PAUSE_MS = 500;
const BROKERS: Record<string, () => Promise<KafkaServer>> = { kafka: startKafka };

const [name = "", ...flags] = process.argv.slice(2);
const keep = flags.includes("--keep");
const parent = process.ppid;
const start = BROKERS[name];
if (!start || flags.length > Number(keep)) {
  console.error(`Usage: scripts/brokers ${Object.keys(BROKERS).join("|")} [--keep]`);
  process.exit(2);
}

const { brokers, stop } = await start();
console.log(`${name.toUpperCase()}_BROKERS=${brokers}`);
console.log(`It ends with: kill ${process.pid}`);

const end = async () => {
  await stop();
  process.exit();
};
process.on("SIGINT", end).on("SIGTERM", end);
process.on("SIGHUP", keep ? () => {} : end);
setInterval(() => keep || process.ppid === parent || end(), PAUSE_MS);
