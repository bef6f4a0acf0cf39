import { median } from "../figures.js";
import type { Figures, Medians, Role, Scenario } from "./scenario.js";

/** The figures of each contender, a row a round. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(rounds: readonly Figures[], figure: string): Spread {
  const values = rounds.map((figures) => figures[figure]).filter((value) => value !== undefined);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function mediansOf(scenario: Scenario, rounds: Rounds): Medians {
  const of = (contender: string, figure: string) =>
    spread(rounds.get(contender) ?? [], figure).median;
  const best = (role: Role, figure: string) => {
    const ofRole = scenario.contenders.filter((contender) => contender.role === role);
    const values = ofRole
      .map(({ name }) => of(name, figure))
      .filter((value) => !Number.isNaN(value));
    if (values.length === 0) return Number.NaN;
    return scenario.lessIsBetter?.includes(figure) ? Math.min(...values) : Math.max(...values);
  };
  return {
    ours: (figure) => best("ours", figure),
    floor: (figure) => best("floor", figure),
    peer: (figure) => best("peer", figure),
    of,
  };
}
