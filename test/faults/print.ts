import type { Result } from "./run-case.js";
import { formatTable } from "./table.js";
import type { Tally } from "./tally.js";

const COLUMNS: Readonly<Record<string, (tally: Tally) => number | undefined>> = {
  published: (tally) => tally.published,
  committed: (tally) => tally.committed,
  handled: (tally) => tally.handled,
  dead: (tally) => tally.dead,
  repeated: (tally) => tally.repeated,
  "at most": (tally) => tally.repeatsBound,
  lost: (tally) => tally.lost.length,
  uncommitted: (tally) => tally.uncommitted,
  reordered: (tally) => tally.reordered,
  faults: (tally) => tally.faults,
  "in flight": (tally) => tally.faultsInFlight,
  "recovery ms": (tally) => tally.recoveryMs,
  "within ms": (tally) => tally.recoveryBoundMs,
};

/** A row a case. "in flight": faults that came while messages were. */
export function printResults(results: readonly Result[]): void {
  const head = ["case", ...Object.keys(COLUMNS), "s", "verdict"];
  console.log(formatTable([head, ...results.map(rowOf)]));
  const total = results.reduce((sum, { tally }) => sum + tally.handled, 0);
  console.log(`${total} messages handled`);
}

function rowOf({ name, tally, seconds, violations }: Result): string[] {
  const counts = Object.values(COLUMNS).map((count) => String(count(tally) ?? "-"));
  return [
    name,
    ...counts,
    seconds.toFixed(1),
    violations.length === 0 ? "ok" : violations.join("; "),
  ];
}
