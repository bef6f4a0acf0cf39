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
  /** The last effect, and the furthest. */
  last: number;
  most: number;
  runningIn: string | undefined;
}

/**
 * Checks the attempts at messages numbered from 0 for each key: `S`, `F` or `E`, a process, a key and a number on each line,
 * in the order in which they were written. After a kill a key may go back to an earlier message, but must then go on from
 * there one by one; so its last effect is that of its last message.
 */
export function checkOrder(text: string, killed: ReadonlySet<number>): OrderReport {
  const report = { handled: 0, attempts: 0, failed: 0, repeated: 0, reordered: 0, overlaps: 0 };
  const lines = new Map<string, Line>();
  for (const row of text.trimEnd().split("\n")) {
    const [what, pid, key, number] = row.split(" ") as [string, string, string, string];
    const line = lines.get(key) ?? { last: -1, most: -1, runningIn: undefined };
    lines.set(key, line);
    if (what === "S") {
      report.attempts += 1;
      if (line.runningIn !== undefined && !killed.has(Number(line.runningIn))) report.overlaps += 1;
      line.runningIn = pid;
      continue;
    }
    line.runningIn = undefined;
    if (what === "F") report.failed += 1;
    else effect(line, Number(number), report);
  }
  for (const { last, most } of lines.values()) {
    report.handled += most + 1;
    if (last !== most) report.reordered += 1;
  }
  return report;
}

function effect(line: Line, n: number, report: OrderReport): void {
  if (n > line.last + 1) report.reordered += 1;
  if (n <= line.most) report.repeated += 1;
  line.last = n;
  line.most = Math.max(line.most, n);
}
