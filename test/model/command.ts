import fc from "fast-check";
import type { Model } from "./model.js";
import type { World } from "./world.js";

export type Command = fc.AsyncCommand<Model, World, true>;

/** A step, after which the database and the model must agree. Without `check` it can always be taken. */
export function command(
  name: string,
  run: (model: Model, world: World) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): Command {
  return {
    check: async (model) => check(model as Model),
    async run(model, world) {
      await run(model, world);
      await world.compare();
    },
    toString: () => name,
  };
}

/** One after the other. */
export function both(first: Command, second: Command): Command {
  return {
    check: async (model) => first.check(model),
    async run(model, world) {
      await first.run(model, world);
      if (await second.check(model)) await second.run(model, world);
    },
    toString: () => `${first}; ${second}`,
  };
}

/** Mostly the first, so that steps meet. */
export const place = fc.constantFrom(0, 0, 0, 1);

/** For `pick`: mostly one of the last. */
export const which = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, fc.nat(20));

/** The item that a number stands for, from the last one on, however many there are; undefined if there are none. */
export function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[items.length - 1 - (n % items.length)];
}
