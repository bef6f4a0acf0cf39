import type { Product } from "../products/product.js";
import { type Drained, drain } from "./drain.js";
import { fill } from "./fill.js";
import type { Contender, Figures } from "./scenario.js";

/** A contender that drains so many queued messages, which `measure` makes figures of. */
export function draining(
  product: Product,
  count: number,
  measure: (drained: Drained) => Figures,
): Contender {
  return {
    name: product.name,
    role: product.role,
    async run(place) {
      const opened = await product.open(place);
      await fill(opened, count);
      await opened.analyze();
      const figures = measure(await drain(opened, count));
      await opened.close();
      return { ...figures, messages: count };
    },
  };
}
