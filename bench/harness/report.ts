import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Rounds, spread } from "./medians.js";
import { plot } from "./plot.js";
import { round } from "./run.js";
import type { Scenario } from "./scenario.js";
import { lineOf, type Verdict } from "./verdict.js";

export interface Result {
  readonly scenario: Scenario;
  readonly rounds: Rounds;
  readonly verdict: Verdict;
}

/** Writes RESULTS.md and a plot a scenario into `folder`. `about`: versions and settings, a line each. */
export async function writeReport(
  folder: string,
  results: readonly Result[],
  about: readonly string[],
): Promise<void> {
  const plots = join(folder, "plots");
  await mkdir(plots, { recursive: true });
  for (const result of results) {
    await writeFile(join(plots, `${result.scenario.id}.svg`), plot(result.scenario, result.rounds));
  }
  const parts = [
    "# Results",
    "Written by `npm run bench`. Medians (least to greatest) of the interleaved rounds of one run; ratios within that run.",
    about.map((line) => `- ${line}`).join("\n"),
    ["```", ...results.map(({ verdict }) => lineOf(verdict)), "```"].join("\n"),
    ...results.map(section),
  ];
  await writeFile(join(folder, "RESULTS.md"), `${parts.join("\n\n")}\n`);
}

function section({ scenario, rounds, verdict }: Result): string {
  const figures = [...new Set([...rounds.values()].flat().flatMap((row) => Object.keys(row)))];
  const rows = scenario.contenders.map(({ name, role }) => {
    const ofThis = rounds.get(name) ?? [];
    const cells = figures.map((figure) => {
      const { median, min, max } = spread(ofThis, figure);
      return Number.isNaN(median) ? "" : `${round(median)} (${round(min)} to ${round(max)})`;
    });
    return `| ${[name, role, ...cells].join(" | ")} |`;
  });
  const claims = scenario.claims.map(({ level, text }) => {
    const failed = verdict.unmet.some((claim) => claim.level === level && claim.text === text);
    return `- ${level}: ${text}: ${failed ? "**not met**" : "met"}`;
  });
  return [
    `## ${scenario.id} ${scenario.title}`,
    `![${scenario.figure}, ${scenario.unit}](plots/${scenario.id}.svg)`,
    [`| | | ${figures.join(" | ")} |`, `|${"---|".repeat(figures.length + 2)}`, ...rows].join("\n"),
    claims.join("\n"),
  ].join("\n\n");
}
