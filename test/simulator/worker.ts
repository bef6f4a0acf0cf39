import { subscribe } from "../../src/postgres/subscription.js";
import { poll } from "../../src/postgres/wake.js";
import { Consumer } from "./consumer.js";
import { DeliveryConsumer } from "./delivery-consumer.js";
import { Oracle } from "./oracle.js";
import type { SimulatedQueue } from "./queue.js";
import { sleep } from "./random.js";
import type { World } from "./world.js";

/** Subscribes a queue, and lets its consumers run until the world is done. */
export async function startQueue(world: World, queue: SimulatedQueue): Promise<void> {
  const oracle = new Oracle(queue, world.published);
  oracle.subscribeStart = performance.now();
  for (const subscription of queue.subscriptions) {
    await subscribe(world.db, { queue: queue.name, ...subscription }, queue.startAt);
  }
  oracle.subscribeEnd = performance.now();
  world.oracles.push(oracle);
  world.start(new DeliveryConsumer(world, oracle).run());
  world.start(new DeliveryConsumer(world, oracle).run());
  if (queue.polls) world.start(followNews(world, oracle));
  else for (const { topic } of queue.subscriptions) startConsumers(world, oracle, topic);
}

/** Starts consumers for each topic that a poll reports, and has them claim only what polls have reported. */
async function followNews(world: World, oracle: Oracle): Promise<void> {
  const { name, subscriptions } = oracle.queue;
  const handled = [{ queue: name, patterns: subscriptions.map(({ pattern }) => pattern) }];
  const polls = new Map<string, number>();
  while (world.phase !== "done") {
    const result = await world.attempt(() => poll(world.db, handled));
    for (const { topic } of result?.news ?? []) {
      const isNew = !polls.has(topic);
      polls.set(topic, (polls.get(topic) ?? 0) + 1);
      if (isNew) startConsumers(world, oracle, topic, () => polls.get(topic) ?? 0);
    }
    await sleep(20);
  }
}

/** `news` counts the reports of news; each allows one claim. Without it a consumer claims always. */
function startConsumers(
  world: World,
  oracle: Oracle,
  topic: string,
  news: () => number = () => Number.NaN,
): void {
  for (let n = 0; n < oracle.queue.consumers; n += 1) {
    let seen = 0;
    const hasNews = () => {
      const before = seen;
      seen = news();
      return before !== seen;
    };
    world.start(new Consumer(world, oracle, topic, hasNews).run());
  }
}
