import { aim, must } from "../harness/claims.js";
import type { ProductOf } from "../harness/product-of.js";
import { receiving } from "../harness/receiving.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { transactions } from "../harness/transactions.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { ours, oursPrepared } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import { plainTable, plainTableWithNotify } from "../products/plain-table.js";
import type { Product } from "../products/product.js";

const CONNECTIONS = 10;

/** All are received meanwhile, in a second process. */
export const transactionsReceivedScenario: MakeScenario = ({ full }) => {
  const [count, peers] = full ? [100_000, 20_000] : [20_000, 5_000];
  return {
    id: "A2",
    title: "same, 10 connections, receivers listening",
    figure: "rate",
    unit: "tx/s",
    contenders: [
      publishing(ours, { file: "ours", name: "ours" }, count),
      publishing(oursPrepared, { file: "ours", name: "ours" }, count),
      publishing(plainTable, { file: "plain-table", name: "plainTable" }, count),
      publishing(
        plainTableWithNotify,
        { file: "plain-table", name: "plainTableWithNotify" },
        count,
      ),
      { ...publishing(plainTable, undefined, count), name: UNREAD, role: "bare" },
      publishing(graphileWorker, { file: "graphile-worker", name: "graphileWorker" }, peers),
      publishing(pgBoss, { file: "pg-boss", name: "pgBoss" }, peers),
    ],
    claims: [
      must(">= 85 % of the floor without NOTIFY", (m) => m.ours("rate") >= 0.85 * m.floor("rate")),
      aim(">= 95 % of the floor without NOTIFY", (m) => m.ours("rate") >= 0.95 * m.floor("rate")),
    ],
  };
};

const UNREAD = `${plainTable.name}, nobody reads`;

function publishing(product: Product, receiver: ProductOf | undefined, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      const received = receiver && (await receiving(place, receiver));
      const options = { count, connections: CONNECTIONS };
      const { published, rate } = await transactions(place, opened, options);
      await received?.finish(published);
      await opened.close();
      return { rate, transactions: count };
    },
  };
}
