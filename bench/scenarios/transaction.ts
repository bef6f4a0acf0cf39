import { assertStored } from "../harness/assert-stored.js";
import { aim, must } from "../harness/claims.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { transactions } from "../harness/transactions.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { ours, oursPrepared } from "../products/ours.js";
import { pgBoss, pgBossDefaults } from "../products/pg-boss.js";
import { plainTable } from "../products/plain-table.js";
import type { Product } from "../products/product.js";

/** graphile-worker publishes alike whatever its settings; pg-boss notifies with its best ones only. */
const PRODUCTS = [ours, oursPrepared, plainTable, graphileWorker, pgBoss, pgBossDefaults];

export const transactionScenario: MakeScenario = ({ full }) => ({
  id: "A1",
  title: "one message per business transaction, 1 connection",
  figure: "rate",
  unit: "tx/s",
  contenders: PRODUCTS.map((product) => publishing(product, full ? 20_000 : 3_000)),
  claims: [
    must(">= 85 % of the floor", (m) => m.ours("rate") >= 0.85 * m.floor("rate")),
    aim(">= 95 % of the floor", (m) => m.ours("rate") >= 0.95 * m.floor("rate")),
  ],
});

function publishing(product: Product, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      const { published, rate } = await transactions(place, opened, { count, connections: 1 });
      await assertStored(opened, published);
      await opened.close();
      return { rate };
    },
  };
}
