import { perSecond } from "../figures.js";
import { drain } from "../harness/drain.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { leasedRows } from "../products/leased-rows.js";
import { ours } from "../products/ours.js";
import type { Product } from "../products/product.js";

const COUNT = 100_000;

export const drainScenario: MakeScenario = () => ({
  id: "C",
  title: "drain 100,000 no-op messages, one process",
  figure: "rate",
  unit: "messages/s",
  contenders: [ours, leasedRows(1), leasedRows(2)].map(draining),
  claims: [
    {
      level: "must",
      text: ">= 1.3 x leased rows",
      holds: (m) => m.ours("rate") >= 1.3 * m.floor("rate"),
    },
  ],
});

function draining(product: Product): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      await fill(opened, COUNT);
      await opened.analyze();
      const { tenths } = await drain(opened, COUNT);
      await opened.close();
      return { rate: perSecond(COUNT, tenths.at(-1) as number) };
    },
  };
}
