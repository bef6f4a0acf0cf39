import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { graphileWorkerOrdered } from "../products/graphile-worker.js";
import { ours, oursOrdered } from "../products/ours.js";
import { type Product, sample } from "../products/product.js";

const MANY = 1_000;

/** Of a peer that takes long for few. */
const FEW = 40;

/** One process drains; with one key nothing may run at once, with many only messages of different keys. */
export const orderedScenario: MakeScenario = ({ full }) => {
  const count = full ? 100_000 : 50_000;
  return {
    id: "K",
    title: "ordered queue, 1 and 1,000 keys",
    figure: "rate",
    unit: "messages/s",
    contenders: [
      draining(oursOrdered, count, 1),
      draining(oursOrdered, count, MANY),
      { ...draining(ours, count, MANY), role: "floor" },
      draining(graphileWorkerOrdered, full ? 25 * FEW : FEW, 1),
      draining(graphileWorkerOrdered, full ? 200 * FEW : 50 * FEW, MANY),
    ],
    claims: [
      {
        level: "must",
        text: "1 key >= 2,000/s",
        holds: (m) => m.of(nameOf(oursOrdered, 1), "rate") >= 2_000,
      },
      {
        level: "must",
        text: "1,000 keys >= 30 % of not ordered",
        holds: (m) =>
          m.of(nameOf(oursOrdered, MANY), "rate") >= 0.3 * m.of(nameOf(ours, MANY), "rate"),
      },
      {
        level: "aim",
        text: "1,000 keys >= 60 % of not ordered",
        holds: (m) =>
          m.of(nameOf(oursOrdered, MANY), "rate") >= 0.6 * m.of(nameOf(ours, MANY), "rate"),
      },
    ],
  };
};

function nameOf({ name }: Product, keys: number): string {
  return `${name}, ${keys === 1 ? "1 key" : `${keys.toLocaleString("en")} keys`}`;
}

function draining(product: Product, count: number, keys: number): Contender {
  return {
    name: nameOf(product, keys),
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      const make = (n: number) => ({ ...sample(n), key: `customer-${n % keys}` });
      await fill(opened, count, make, 1);
      await opened.analyze();
      const last = new Int32Array(keys).fill(-1);
      let inversions = 0;
      const arrivals = new Arrivals(count);
      const startedAt = performance.now();
      const consumer = await opened.consume(({ n }) => {
        arrivals.saw(n);
        if (n < (last[n % keys] as number)) inversions += 1;
        last[n % keys] = n;
      });
      await arrivals.all;
      const rate = perSecond(count, performance.now() - startedAt);
      await consumer.stop();
      arrivals.assertOnce(await opened.left());
      await opened.close();
      if (product !== ours && inversions > 0)
        throw new Error(`${inversions} messages out of order: this run is void.`);
      return { rate };
    },
  };
}
