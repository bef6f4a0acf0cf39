import { setTimeout } from "node:timers/promises";
import { startKafkaBinaries } from "../../../scripts/kafka-binaries.js";
import { startProxy } from "../../support/proxy.js";
import type { Result } from "../run-case.js";
import { hasEnded, tally, violations } from "../tally.js";
import type { KafkaFaultCase } from "./cases.js";
import { type KafkaServer, KafkaStage } from "./stage.js";

/** How long nothing may happen. A poisonous message takes a session's timeout for each of its processes. */
const PATIENCE_MS = 60_000;
/**
 * All messages are in the log from the beginning, so that a recovery ends when the last of them is handled: so long for sessions to
 * be given up, and for each message.
 */
const RECOVERY_MS = { once: 45_000, each: 6 };
const POLL_MS = 200;

/** A broker of its own, whose second listener is behind a proxy. */
export async function startKafkaPlace(): Promise<KafkaServer & { stop(): Promise<void> }> {
  const proxy = await startProxy({ host: "127.0.0.1", port: 0 });
  const server = await startKafkaBinaries({ proxyPort: proxy.port });
  proxy.lead({ host: "127.0.0.1", port: server.behindProxy });
  return {
    proxy,
    server,
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

export interface KafkaRunOptions {
  readonly place: KafkaServer;
  /** The tree that its processes run on. */
  readonly root: URL;
  readonly isLong: boolean;
  /** A recovery that takes too long is a fault, too. */
  readonly isTimed: boolean;
}

export async function runKafkaCase(
  faultCase: KafkaFaultCase,
  { place, root, isLong, isTimed }: KafkaRunOptions,
): Promise<Result> {
  const startedAt = performance.now();
  const stage = await KafkaStage.open(place, root);
  try {
    const messages = isLong ? faultCase.messages.long : faultCase.messages.short;
    await stage.publish(messages, faultCase.mix);
    const failure = await faultCase.run(stage).then(
      () => [],
      (error) => [String(error)],
    );
    await settle(stage);
    await stage.stopWorkers();
    const { book } = stage;
    const committed = [...book.published.keys()];
    const end = { committed, dead: await stage.dead(), open: await stage.lag() };
    const recoveryMs = RECOVERY_MS.once + messages * RECOVERY_MS.each;
    const bounds = { recoveryMs, repeats: undefined, ordered: false, forgets: false };
    const counts = tally(book, end, stage.faults, bounds);
    const seconds = (performance.now() - startedAt) / 1_000;
    const found = [...violations(counts, isTimed), ...stage.broken, ...failure];
    return { name: faultCase.name, seconds, tally: counts, violations: found };
  } finally {
    place.proxy.up();
    await stage.close();
  }
}

/** Resolves when every message has come to its end and is committed, or when nothing has happened for long. */
async function settle(stage: KafkaStage): Promise<void> {
  let left = Number.POSITIVE_INFINITY;
  let since = performance.now();
  for (;;) {
    const [dead, lag] = await Promise.all([stage.dead(), stage.lag()]);
    const { book } = stage;
    const pending = [...book.published.keys()].filter((id) => !hasEnded(book, dead, id)).length;
    if (pending + lag === 0) return;
    if (pending + lag < left) since = performance.now();
    left = Math.min(left, pending + lag);
    if (performance.now() - since > PATIENCE_MS) return;
    await setTimeout(POLL_MS);
  }
}
