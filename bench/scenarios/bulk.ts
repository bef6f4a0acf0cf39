import { perSecond } from "../figures.js";
import { assertStored } from "../harness/assert-stored.js";
import { aim, must } from "../harness/claims.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { bareTable, copiedTable } from "../products/bare-table.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { ours, oursCopied } from "../products/ours.js";
import { pgBoss, pgBossDefaults } from "../products/pg-boss.js";
import { plainTable } from "../products/plain-table.js";
import { type BulkProduct, richSample } from "../products/product.js";

const COUNT = 100_000;
const BEFORE = 10_000;

const PRODUCTS = [
  ours,
  oursCopied,
  plainTable,
  bareTable,
  copiedTable,
  graphileWorker,
  pgBoss,
  pgBossDefaults,
];

export const bulkScenario: MakeScenario = () => ({
  id: "B",
  title: "publish 100,000 in batches of 1,000",
  figure: "rate",
  unit: "messages/s",
  contenders: PRODUCTS.map(filling),
  claims: [
    must(
      ">= 85 % of the same columns, indexes and deduplication",
      (m) => m.ours("rate") >= 0.85 * m.floor("rate"),
    ),
    must(">= 2 x the best peer", (m) => m.ours("rate") >= 2 * m.peer("rate")),
    aim(
      ">= 65 % of the bare table, one JSON parameter",
      (m) => m.ours("rate") >= 0.65 * m.of(bareTable.name, "rate"),
    ),
  ],
});

function filling(product: BulkProduct): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      // Whoever has a connection yet, and code that has run before, is not ahead.
      await fill(opened, BEFORE, richSample);
      const startedAt = performance.now();
      await fill(opened, COUNT, richSample);
      const rate = perSecond(COUNT, performance.now() - startedAt);
      await assertStored(opened, BEFORE + COUNT);
      await opened.close();
      return { rate };
    },
  };
}
