import type { ContractReport } from "./contract.js";

const OUTCOMES = ["passed", "failed", "not run", "left out"] as const;

/** A text with a line for each contract and implementation, and below it what was left out, by reason. */
export function contractTable(reports: readonly ContractReport[]): string {
  const head = ["contract", "implementation", "cases", ...OUTCOMES];
  const lines = align([head, ...reports.map(toRow)]);
  return [...lines, "", ...reports.flatMap(leftOut)].join("\n");
}

function toRow({ contract, implementation, results }: ContractReport): string[] {
  const counts = OUTCOMES.map((outcome) => results.filter((r) => r.outcome === outcome).length);
  return [contract, implementation, ...[results.length, ...counts].map(String)];
}

function leftOut({ contract, implementation, results }: ContractReport): string[] {
  const reasons = new Set(results.flatMap(({ reason }) => reason ?? []));
  return [...reasons].flatMap((reason) => {
    const cases = results.filter((result) => result.reason === reason);
    const head = `${contract}, ${implementation}: ${cases.length} left out, because ${reason}:`;
    return [head, ...cases.map(({ name }) => `  ${name}`)];
  });
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widthOf(column)))
      .join("  ")
      .trimEnd(),
  );
}
