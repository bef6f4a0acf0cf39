import { type Rounds, spread } from "./medians.js";
import { round } from "./run.js";
import type { Role, Scenario } from "./scenario.js";

const COLOURS: Record<Role, string> = {
  ours: "#2563eb",
  floor: "#6b7280",
  bare: "#c4c9d1",
  peer: "#d97706",
};
const LABEL = 240;
const WIDTH = 860;
const ROW = 30;
const TOP = 44;

/** Bars of the medians, with a line from the least to the greatest value; an SVG. */
export function plot(scenario: Scenario, rounds: Rounds): string {
  const bars = scenario.contenders.map(({ name, role }) => ({
    name,
    role,
    ...spread(rounds.get(name) ?? [], scenario.figure),
  }));
  const greatest = Math.max(...bars.map(({ max }) => max).filter(Number.isFinite), 0) || 1;
  const x = (value: number) => LABEL + (value / greatest) * (WIDTH - LABEL - 110);
  const rows = bars.map(({ name, role, median, min, max }, n) => {
    const y = TOP + n * ROW;
    if (!Number.isFinite(median)) return text(8, y + 17, `${name}: nothing`);
    return [
      text(8, y + 17, name),
      `<rect x="${LABEL}" y="${y + 3}" width="${(x(median) - LABEL).toFixed(1)}" height="20" fill="${COLOURS[role]}"/>`,
      `<line x1="${x(min).toFixed(1)}" x2="${x(max).toFixed(1)}" y1="${y + 13}" y2="${y + 13}" stroke="#111827" stroke-width="2"/>`,
      text(x(max) + 8, y + 17, round(median)),
    ].join("");
  });
  const height = TOP + bars.length * ROW + 10;
  const title = `${scenario.id} ${scenario.title} (${scenario.figure}, ${scenario.unit})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(8, 24, title),
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

function text(x: number, y: number, content: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#111827">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
