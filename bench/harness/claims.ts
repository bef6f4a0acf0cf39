import type { Claim } from "./scenario.js";

/** As in `must(">= 85 % of the floor", (m) => m.ours("rate") >= 0.85 * m.floor("rate"))`. */
export function must(text: string, holds: Claim["holds"]): Claim {
  return { level: "must", text, holds };
}

export function aim(text: string, holds: Claim["holds"]): Claim {
  return { level: "aim", text, holds };
}
