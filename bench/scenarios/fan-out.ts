import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario, Place } from "../harness/scenario.js";
import { ourReceiver } from "../products/our-receiver.js";
import { ours } from "../products/ours.js";
import type { Opened, Payload } from "../products/product.js";

const QUEUES = [1, 3, 10];
const EVENT = "user.created";

/** What a publish costs with so many queues that all want the message, and how fast one process drains them all. */
export const fanOutScenario: MakeScenario = ({ full }) => ({
  id: "H",
  title: "fan-out to 1, 3, 10 queues: publish cost",
  figure: "publish",
  unit: "µs a message",
  lessIsBetter: ["publish"],
  contenders: QUEUES.map((queues) => fanningOut(queues, full ? 100_000 : 30_000)),
  claims: [
    {
      level: "must",
      text: "publishing with 10 queues <= 1.1 x with 1",
      holds: (m) => m.of(nameOf(10), "publish") <= 1.1 * m.of(nameOf(1), "publish"),
    },
    {
      level: "aim",
      text: "publishing with 10 queues <= 1.0 x with 1",
      holds: (m) => m.of(nameOf(10), "publish") <= m.of(nameOf(1), "publish"),
    },
  ],
});

function nameOf(queues: number): string {
  return `ours, ${queues} ${queues === 1 ? "queue" : "queues"}`;
}

function fanningOut(queues: number, count: number): Contender {
  return {
    name: nameOf(queues),
    role: "ours",
    async run(place) {
      const opened = await ours.open(place);
      const names = ["bench", ...Array.from({ length: queues - 1 }, (_, n) => `bench${n}`)];
      for (const name of names) {
        await place.pool.query("select opinionated_events.subscribe($1, $2)", [name, EVENT]);
      }
      const startedAt = performance.now();
      await fill(opened, count);
      const publishedMs = performance.now() - startedAt;
      await opened.analyze();
      const drainedMs = await drainAll(place, opened, names, count);
      return {
        publish: (publishedMs * 1_000) / count,
        drained: perSecond(count * queues, drainedMs),
      };
    },
  };
}

async function drainAll(
  place: Place,
  opened: Opened,
  queues: readonly string[],
  count: number,
): Promise<number> {
  const receiver = ourReceiver(place);
  const arrivals = queues.map((queue) => {
    const ofQueue = new Arrivals(count);
    receiver.on(queue, EVENT, ({ payload }) => ofQueue.saw((payload as Payload).n));
    return ofQueue;
  });
  const startedAt = performance.now();
  await receiver.start();
  await Promise.all(arrivals.map(({ all }) => all));
  const ms = performance.now() - startedAt;
  await receiver.stop();
  const left = await opened.left();
  for (const ofQueue of arrivals) ofQueue.assertOnce(left);
  return ms;
}
