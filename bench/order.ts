export interface OrderReport {
  /** Different messages that had their effect. */
  handled: number;
  attempts: number;
  failed: number;
  /** Effects of messages that had had theirs before. */
  repeated: number;
  /** Effects that followed on another than the one before, other than by going back to one that had happened. */
  reordered: number;
  /** Attempts that began while another of the key ran, in a process that lived. */
  overlaps: number;
}

interface Line {
  last: number;
  readonly seen: Set<number>;
  runningIn: string | undefined;
}

/**
 * Checks the attempts at messages numbered from 0 for each key: `S`, `F` or `E`, a process, a key and a number on each line,
 * in the order in which they were written. After a kill a key may go back to an earlier message, but must then go on from
 * there one by one; so its last effect is that of its last message. Dead messages, given as key and number, are passed over.
 */
export function checkOrder(
  text: string,
  killed: ReadonlySet<number>,
  dead: ReadonlySet<string>,
): OrderReport {
  const report = { handled: 0, attempts: 0, failed: 0, repeated: 0, reordered: 0, overlaps: 0 };
  const lines = new Map<string, Line>();
  for (const row of text.trimEnd().split("\n")) {
    const [what, pid, key, number] = row.split(" ") as [string, string, string, string];
    const line = lines.get(key) ?? { last: -1, seen: new Set(), runningIn: undefined };
    lines.set(key, line);
    if (what === "S") {
      report.attempts += 1;
      if (line.runningIn !== undefined && !killed.has(Number(line.runningIn))) report.overlaps += 1;
      line.runningIn = pid;
      continue;
    }
    line.runningIn = undefined;
    if (what === "F") report.failed += 1;
    else effect(line, key, Number(number), report, dead);
  }
  for (const { last, seen } of lines.values()) {
    report.handled += seen.size;
    if (last !== Math.max(...seen)) report.reordered += 1;
  }
  return report;
}

function effect(
  line: Line,
  key: string,
  n: number,
  report: OrderReport,
  dead: ReadonlySet<string>,
): void {
  let next = line.last + 1;
  while (dead.has(`${key} ${next}`)) next += 1;
  if (n > next) report.reordered += 1;
  if (line.seen.has(n)) report.repeated += 1;
  line.last = n;
  line.seen.add(n);
}
