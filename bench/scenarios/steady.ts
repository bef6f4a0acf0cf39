import pg from "pg";
import { percentile, perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import type { Claim, Contender, Figures, MakeScenario, Place } from "../harness/scenario.js";
import { publishSteadily } from "../harness/steadily.js";
import { graphileWorker, graphileWorkerDirect } from "../products/graphile-worker.js";
import { notifiedRows } from "../products/notified-rows.js";
import { ours, oursPrepared } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import type { Opened, Product } from "../products/product.js";

const CONNECTIONS = 10;
const RATES = [500, 2_000];
/** Of the messages of a rate, so many in a hundred come first and are not counted. */
const WARM_UP_PERCENT = 10;

/**
 * From BEGIN in the publisher to the begin of the handler, both in this process; figures of each rate. Peers' defaults run one
 * job at a time, and are left out.
 */
export const steadyScenario: MakeScenario = ({ full }) => {
  const contender = (product: Product) => measuring(product, full ? 30 : 2);
  return {
    id: "E",
    title: "steady 500/s and 2,000/s, BEGIN to handler",
    figure: "p50 at 2000/s",
    unit: "ms",
    lessIsBetter: RATES.flatMap((rate) => [`p50 at ${rate}/s`, `p99 at ${rate}/s`]),
    contenders: [
      ours,
      oursPrepared,
      notifiedRows("in the transaction"),
      notifiedRows("after the commit"),
      graphileWorker,
      graphileWorkerDirect,
      pgBoss,
    ].map(contender),
    claims: [
      {
        level: "must",
        text: "2,000/s held",
        holds: (m) => m.ours("held at 2000/s") >= 0.98 * 2_000,
      },
      ...["p50", "p99"].flatMap((name) => RATES.flatMap((rate) => belowPeersAt(name, rate))),
      ...["p50", "p99"].flatMap((name) => RATES.flatMap((rate) => atFloorAt(name, rate))),
    ],
  };
};

function belowPeersAt(name: string, rate: number): Claim {
  const figure = `${name} at ${rate}/s`;
  return {
    level: "must",
    text: `${figure} below both peers`,
    holds: (m) => m.ours(figure) < m.peer(figure),
  };
}

function atFloorAt(name: string, rate: number): Claim {
  const figure = `${name} at ${rate}/s`;
  return {
    level: "aim",
    text: `${figure} at the floor`,
    holds: (m) => m.ours(figure) <= m.floor(figure),
  };
}

function measuring(product: Product, seconds: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      const clients = await connectAll(place);
      let arrivals: Arrivals | undefined;
      const consumer = await opened.consume(({ n }) => arrivals?.saw(n));
      const figures: Figures = {};
      for (const rate of RATES) {
        const count = rate * seconds;
        arrivals = new Arrivals(count);
        Object.assign(figures, await measure(opened, clients, rate, arrivals));
      }
      await consumer.stop();
      arrivals?.assertOnce(await opened.left());
      await Promise.all(clients.map((client) => client.end()));
      await opened.close();
      return figures;
    },
  };
}

async function connectAll({ url }: Place): Promise<readonly pg.Client[]> {
  const clients = Array.from(
    { length: CONNECTIONS },
    () => new pg.Client({ connectionString: url }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

async function measure(
  product: Opened,
  clients: readonly pg.Client[],
  rate: number,
  arrivals: Arrivals,
): Promise<Figures> {
  const { count } = arrivals;
  const { begun } = await publishSteadily(product, clients, { count, perSecond: rate });
  await arrivals.all;
  arrivals.assertOnce(0);
  const latencies = Array.from(arrivals.at, (at, n) => at - (begun[n] as number));
  const counted = latencies.slice((count * WARM_UP_PERCENT) / 100);
  const lastedMs = arrivals.lastAt - (begun[0] as number);
  return {
    [`p50 at ${rate}/s`]: percentile(counted, 50),
    [`p99 at ${rate}/s`]: percentile(counted, 99),
    [`held at ${rate}/s`]: perSecond(count, lastedMs),
  };
}
