/** Rows as aligned columns, the first row being the head; numbers to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  const isNumber = (text: string) => /^[\d,.-]+$/.test(text);
  return rows
    .map((row) =>
      row
        .map((cell, n) =>
          isNumber(cell) ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
