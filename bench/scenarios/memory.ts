import { aim, must } from "../harness/claims.js";
import { fill } from "../harness/fill.js";
import { inProcess } from "../harness/in-process.js";
import type { ProductOf } from "../harness/product-of.js";
import type { Contender, Figures, MakeScenario } from "../harness/scenario.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { ours } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import type { Product } from "../products/product.js";

export const memoryScenario: MakeScenario = ({ full }) => {
  const count = 1_000_000;
  const peers = full ? 100_000 : 30_000;
  return {
    id: "L",
    title: `RSS peak of a process draining ${count.toLocaleString("en")}`,
    figure: "peak",
    unit: "MB",
    lessIsBetter: ["peak", "early", "late", "grown"],
    contenders: [
      draining(ours, { file: "ours", name: "ours" }, count),
      draining(graphileWorker, { file: "graphile-worker", name: "graphileWorker" }, peers),
      draining(pgBoss, { file: "pg-boss", name: "pgBoss" }, peers),
    ],
    claims: [
      must("<= 150 MB", (m) => m.ours("peak") <= 150),
      must("flat: second half <= 1.1 x the first", (m) => m.ours("grown") <= 1.1),
      aim("<= 110 MB", (m) => m.ours("peak") <= 110),
    ],
  };
};

/** In plain JavaScript, as a service runs: a loader of TypeScript would count, too. */
function draining(product: Product, productOf: ProductOf, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run({ url, pool }) {
      const opened = await product.open({ url, pool });
      await fill(opened, count);
      await opened.analyze();
      await opened.close();
      const { file, name } = productOf;
      const figures = await inProcess<Figures>("memory-process", [file, name, url, `${count}`]);
      return { ...figures, messages: count };
    },
  };
}
