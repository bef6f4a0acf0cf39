import pg from "pg";
import { percentile } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { publishSteadily } from "../harness/steadily.js";
import { graphileWorker, graphileWorkerDefaults } from "../products/graphile-worker.js";
import { notifiedRows } from "../products/notified-rows.js";
import { ours, oursPrepared } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import type { Product } from "../products/product.js";

const EVERY_MS = 20;
/** Messages that are not counted. */
const WARM_UP = 100;

/**
 * From the moment that COMMIT has resolved in the publisher to that in which the handler begins, both in this process, by
 * one clock: it is negative where the handler is the first to hear of it.
 */
export const latencyScenario: MakeScenario = ({ full }) => {
  const contender = (product: Product) => measuring(product, WARM_UP + (full ? 1_500 : 300));
  return {
    id: "D",
    title: "latency from COMMIT to handler, one each 20 ms",
    figure: "p50",
    unit: "ms",
    lessIsBetter: ["p50", "p99", "max"],
    contenders: [
      ours,
      oursPrepared,
      notifiedRows("in the transaction"),
      notifiedRows("after the commit"),
      graphileWorker,
      graphileWorkerDefaults,
      pgBoss,
    ].map(contender),
    claims: [
      {
        level: "must",
        text: "p50 below both peers",
        holds: (m) => m.ours("p50") < m.peer("p50"),
      },
      {
        level: "must",
        text: "p99 <= 1.5 x the floor",
        holds: (m) => m.ours("p99") <= 1.5 * m.floor("p99"),
      },
      { level: "aim", text: "p50 at the floor", holds: (m) => m.ours("p50") <= m.floor("p50") },
    ],
  };
};

function measuring(product: Product, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      const client = new pg.Client({ connectionString: place.url });
      await client.connect();
      const arrivals = new Arrivals(count);
      const consumer = await opened.consume(({ n }) => arrivals.saw(n));
      const { committed } = await publishSteadily(opened, [client], {
        count,
        perSecond: 1_000 / EVERY_MS,
      });
      await arrivals.all;
      await consumer.stop();
      arrivals.assertOnce(await opened.left());
      await client.end();
      await opened.close();
      const latencies = Array.from(arrivals.at, (at, n) => at - (committed[n] as number));
      const counted = latencies.slice(WARM_UP);
      return {
        p50: percentile(counted, 50),
        p99: percentile(counted, 99),
        max: Math.max(...counted),
      };
    },
  };
}
