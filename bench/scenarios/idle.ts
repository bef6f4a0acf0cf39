import { setTimeout as sleep } from "node:timers/promises";
import { createMessage, Publisher, syncBridge } from "../../src/index.js";
import { migrate, postgresDestination } from "../../src/postgres.js";
import { usedBetween, usedByBackends } from "../harness/backends.js";
import { Child } from "../harness/child.js";
import { CountingProxy } from "../harness/counting-proxy.js";
import type { Figures, MakeScenario, Place } from "../harness/scenario.js";

const QUEUES = 50;
const TOPICS_OF_EACH = 2;
const TOPICS = QUEUES * TOPICS_OF_EACH;
const MESSAGES_OF_EACH = 10;
/** From the last message until the receiver is taken to be idle. */
const SETTLE_MS = 3_000;

/** All statements of all its connections are counted, on the wire; CPU is that of the process and of its connections' server processes. */
export const idleScenario: MakeScenario = ({ full }) => ({
  id: "N",
  title: "idle: 50 queues, 100 topics",
  figure: "statements",
  unit: "statements/s",
  lessIsBetter: ["statements", "cpu", "process", "server"],
  contenders: [
    { name: "ours", role: "ours", run: (place) => ours(place, full ? 60 : 8) },
    { name: "select 1 each second", role: "floor", run: (place) => asking(place, full ? 60 : 8) },
  ],
  claims: [
    {
      level: "must",
      text: "<= 5 statements/s in all",
      holds: (m) => m.ours("statements") <= 5,
    },
    { level: "must", text: "< 1 % of a core", holds: (m) => m.ours("cpu") < 1 },
  ],
});

async function ours(place: Place, seconds: number): Promise<Figures> {
  await publish(place);
  const counts = [QUEUES, TOPICS_OF_EACH, TOPICS * MESSAGES_OF_EACH].map(String);
  return watch(place, seconds, (url) => new Child("idler", [url, ...counts]));
}

function asking(place: Place, seconds: number): Promise<Figures> {
  return watch(place, seconds, (url) => new Child("asker", [url]));
}

async function watch(
  place: Place,
  seconds: number,
  begin: (url: string) => Child,
): Promise<Figures> {
  const proxy = new CountingProxy(place.url);
  const child = begin(await proxy.start());
  try {
    await child.ask("start");
    await sleep(SETTLE_MS);
    const before = await measure(place, proxy, child);
    await sleep(seconds * 1_000);
    const after = await measure(place, proxy, child);
    await child.ask("stop");
    const tookMs = after.at - before.at;
    const percent = (us: number) => us / 10 / tookMs;
    const process = percent(after.process - before.process);
    const server = percent(usedBetween(before.server, after.server));
    const statements = ((after.statements - before.statements) * 1_000) / tookMs;
    return { statements, cpu: process + server, process, server };
  } finally {
    await child.end();
    proxy.stop();
  }
}

async function measure({ pool }: Place, { statements }: CountingProxy, child: Child) {
  const server = await usedByBackends(pool);
  const process = await child.ask<number>("used");
  return { at: performance.now(), statements, server, process };
}

async function publish({ pool }: Place): Promise<void> {
  await migrate(pool);
  const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
  for (let topic = 0; topic < TOPICS; topic += 1) {
    const batch = Array.from({ length: MESSAGES_OF_EACH }, (_, n) =>
      createMessage(`topic${topic}.changed`, { n }),
    );
    await publisher.publishMany(batch);
  }
}
