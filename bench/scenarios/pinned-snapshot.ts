import { aim, must } from "../harness/claims.js";
import { drain } from "../harness/drain.js";
import { fill } from "../harness/fill.js";
import { rates } from "../harness/rates.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { leasedRows } from "../products/leased-rows.js";
import { ours } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import type { Product } from "../products/product.js";
import { pinned } from "../snapshot.js";

const COUNT = 200_000;

export const pinnedSnapshotScenario: MakeScenario = ({ full }) => ({
  id: "G",
  title: "a snapshot pinned, 200,000: last tenth / first",
  figure: "kept",
  unit: "last / first",
  contenders: [
    ...[ours, leasedRows(1)].map((product) => draining(product, COUNT)),
    ...[graphileWorker, pgBoss].map((product) => draining(product, full ? COUNT : 50_000)),
  ],
  claims: [
    must("last tenth >= 85 % of the first", (m) => m.ours("kept") >= 0.85),
    must("whole >= 70 % of unpinned", (m) => m.ours("ofUnpinned") >= 0.7),
    aim("last tenth >= 95 % of the first", (m) => m.ours("kept") >= 0.95),
    aim("whole >= 90 % of unpinned", (m) => m.ours("ofUnpinned") >= 0.9),
  ],
});

/** The same drain twice: without the snapshot, and with it. */
function draining(product: Product, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      await fill(opened, count);
      await opened.analyze();
      const unpinned = rates(await drain(opened, count), count);
      await fill(opened, count);
      await opened.analyze();
      const held = await pinned(place.pool, async () => rates(await drain(opened, count), count));
      await opened.close();
      return {
        kept: held.last / held.first,
        ofUnpinned: held.whole / unpinned.whole,
        first: held.first,
        last: held.last,
        whole: held.whole,
        unpinned: unpinned.whole,
        messages: count,
      };
    },
  };
}
