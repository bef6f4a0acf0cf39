export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export function perSecond(count: number, ms: number): number {
  return Math.round((count / ms) * 1_000);
}
