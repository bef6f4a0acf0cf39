import type { Kind } from "../messages.js";
import { until } from "../until.js";
import type { KafkaStage } from "./stage.js";

/** A kind of fault, injected into real processes at work on Kafka. */
export interface KafkaFaultCase {
  readonly name: string;
  readonly messages: { readonly short: number; readonly long: number };
  readonly mix?: Partial<Record<Kind, number>>;
  /** Starts workers and injects faults; messages are in the log. */
  run(stage: KafkaStage): Promise<void>;
}

async function startWorkers(stage: KafkaStage, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => stage.worker()));
}

/** Resolves when so many more messages have been handled. */
async function handledMore(stage: KafkaStage, count: number): Promise<void> {
  await stage.handled(stage.book.handled.size + count);
}

const killedWorker: KafkaFaultCase = {
  name: "kafka: worker killed",
  messages: { short: 9_000, long: 30_000 },
  mix: { retry: 50 },
  async run(stage) {
    await startWorkers(stage, 3);
    for (let n = 0; n < 3; n += 1) {
      await handledMore(stage, 200);
      const [victim] = stage.workers;
      await stage.inject(async () => victim?.kill(), 1);
      await stage.worker();
    }
  },
};

const rebalances: KafkaFaultCase = {
  name: "kafka: rebalances",
  messages: { short: 14_000, long: 30_000 },
  mix: { retry: 50 },
  async run(stage) {
    await startWorkers(stage, 2);
    for (let n = 0; n < 3; n += 1) {
      await handledMore(stage, 200);
      await stage.inject(() => stage.worker(), stage.workers.length);
      await handledMore(stage, 200);
      const [leaving] = stage.workers;
      await stage.inject(async () => leaving?.stop(), stage.workers.length);
    }
  },
};

const restartedBroker: KafkaFaultCase = {
  name: "kafka: broker restarted",
  messages: { short: 5_000, long: 30_000 },
  mix: { retry: 50 },
  async run(stage) {
    const { server } = stage.place;
    await startWorkers(stage, 2);
    for (const end of [server.halt, server.kill]) {
      await handledMore(stage, 200);
      await stage.inject(async () => {
        await end();
        await server.start();
      }, stage.workers.length);
    }
  },
};

const blackHole: KafkaFaultCase = {
  name: "kafka: black hole",
  messages: { short: 3_000, long: 30_000 },
  mix: { retry: 50 },
  async run(stage) {
    const { proxy } = stage.place;
    await stage.worker();
    await stage.worker({ brokers: `127.0.0.1:${proxy.port}` });
    await handledMore(stage, 200);
    await stage.inject(async () => {
      proxy.silence();
      // All of it can be handled only once the other one has the partitions of the one that is cut off.
      await stage.handled(stage.book.published.size);
    }, stage.workers.length);
    proxy.up();
  },
};

const poison: KafkaFaultCase = {
  name: "kafka: handler poisoned",
  messages: { short: 1_000, long: 10_000 },
  mix: { exit: 1_000, fatal: 100 },
  async run(stage) {
    await startWorkers(stage, 2);
    await until("a worker has ended of it", () => stage.faults.length > 0);
  },
};

export const kafkaCases = [killedWorker, rebalances, restartedBroker, blackHole, poison];
