import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario, Place } from "../harness/scenario.js";
import { ourReceiver } from "../products/our-receiver.js";
import { ours } from "../products/ours.js";
import { type Opened, type Payload, sample } from "../products/product.js";

const MANY = 1_000;
const UNORDERED = "ours, not ordered";

/** One process drains; with one key nothing may run at once, with many only messages of different keys. */
export const orderedScenario: MakeScenario = ({ full }) => {
  const count = full ? 100_000 : 50_000;
  return {
    id: "K",
    title: "ordered queue, 1 and 1,000 keys",
    figure: "rate",
    unit: "messages/s",
    contenders: [
      draining(nameOf(1), count, 1),
      draining(nameOf(MANY), count, MANY),
      draining(UNORDERED, count, MANY),
    ],
    claims: [
      {
        level: "must",
        text: "1 key >= 2,000/s",
        holds: (m) => m.of(nameOf(1), "rate") >= 2_000,
      },
      {
        level: "must",
        text: "1,000 keys >= 30 % of not ordered",
        holds: (m) => m.of(nameOf(MANY), "rate") >= 0.3 * m.of(UNORDERED, "rate"),
      },
      {
        level: "aim",
        text: "1,000 keys >= 60 % of not ordered",
        holds: (m) => m.of(nameOf(MANY), "rate") >= 0.6 * m.of(UNORDERED, "rate"),
      },
    ],
  };
};

function nameOf(keys: number): string {
  return keys === 1 ? "ours, 1 key" : `ours, ${keys.toLocaleString("en")} keys`;
}

function draining(name: string, count: number, keys: number): Contender {
  const ordered = name !== UNORDERED;
  return {
    name,
    role: "ours",
    async run(place) {
      const opened = await ours.open(place);
      await place.pool.query("select opinionated_events.set_ordered('bench', $1)", [ordered]);
      await fill(opened, count, (n) => ({ ...sample(n), key: `customer-${n % keys}` }));
      await opened.analyze();
      const rate = await drainInOrder(place, opened, { count, keys, ordered });
      return { rate };
    },
  };
}

interface Queued {
  readonly count: number;
  readonly keys: number;
  readonly ordered: boolean;
}

async function drainInOrder(place: Place, opened: Opened, { count, keys, ordered }: Queued) {
  const arrivals = new Arrivals(count);
  const last = new Int32Array(keys).fill(-1);
  let inversions = 0;
  const receiver = ourReceiver(place).queue("bench", { ordered });
  receiver.on("bench", "user.created", ({ payload }) => {
    const { n } = payload as Payload;
    arrivals.saw(n);
    if (n < (last[n % keys] as number)) inversions += 1;
    last[n % keys] = n;
  });
  const startedAt = performance.now();
  await receiver.start();
  await arrivals.all;
  const ms = performance.now() - startedAt;
  await receiver.stop();
  arrivals.assertOnce(await opened.left());
  if (ordered && inversions > 0)
    throw new Error(`${inversions} messages out of order: this run is void.`);
  return perSecond(count, ms);
}
