import { aim, must } from "../harness/claims.js";
import { draining } from "../harness/draining.js";
import { rates } from "../harness/rates.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { leasedRows } from "../products/leased-rows.js";
import { ours } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import type { Product } from "../products/product.js";

export const backlogScenario: MakeScenario = ({ full }) => ({
  id: "F",
  title: `${full ? "1,000,000" : "300,000"} queued: last tenth / first`,
  figure: "kept",
  unit: "last / first",
  contenders: [
    ...[ours, leasedRows(1)].map((product) => falling(product, full ? 1_000_000 : 300_000)),
    ...[graphileWorker, pgBoss].map((product) => falling(product, full ? 1_000_000 : 50_000)),
  ],
  claims: [
    must("last >= 85 % of the first", (m) => m.ours("kept") >= 0.85),
    aim("last >= 95 % of the first", (m) => m.ours("kept") >= 0.95),
  ],
});

function falling(product: Product, count: number): Contender {
  return draining(product, count, (drained) => {
    const { first, last } = rates(drained, count);
    return { kept: last / first, first, last };
  });
}
