import type { Rounds } from "./medians.js";
import { mediansOf } from "./medians.js";
import { round } from "./run.js";
import type { Claim, Scenario } from "./scenario.js";

export interface Verdict {
  readonly id: string;
  readonly title: string;
  readonly ours: number;
  readonly floor: number;
  readonly peer: number;
  readonly unit: string;
  /** Claims that don't hold. */
  readonly unmet: readonly Claim[];
  readonly hasAim: boolean;
}

export function verdictOf(scenario: Scenario, rounds: Rounds): Verdict {
  const { id, title, figure, unit, claims } = scenario;
  const medians = mediansOf(scenario, rounds);
  return {
    id,
    title,
    unit,
    ours: medians.ours(figure),
    floor: medians.floor(figure),
    peer: medians.peer(figure),
    unmet: claims.filter((claim) => !claim.holds(medians)),
    hasAim: claims.some(({ level }) => level === "aim"),
  };
}

/** One line: name, ours, floor, best peer, the ratios to them, must and aim met or not. */
export function lineOf(verdict: Verdict): string {
  const { id, title, ours, floor, peer, unit } = verdict;
  const cells = [
    `${id} ${title}`.padEnd(52).slice(0, 52),
    `${round(ours)} ${unit}`.padStart(16),
    `floor ${round(floor)} (${ratio(ours, floor)})`.padEnd(26),
    `best peer ${round(peer)} (${ratio(ours, peer)})`.padEnd(30),
    `must ${met(verdict, "must")}`,
    verdict.hasAim ? `aim ${met(verdict, "aim")}` : "",
  ];
  return cells.join("  ").trimEnd();
}

function met({ unmet }: Verdict, level: Claim["level"]): string {
  const failing = unmet.filter((claim) => claim.level === level);
  return failing.length === 0 ? "met" : `UNMET: ${failing.map(({ text }) => text).join("; ")}`;
}

function ratio(a: number, b: number): string {
  return Number.isFinite(a / b) ? `${(a / b).toFixed(2)}x` : "-";
}
