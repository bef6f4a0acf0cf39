import type { Drained } from "./drain.js";

export interface Rates {
  readonly first: number;
  readonly last: number;
  readonly whole: number;
}

/** Messages/s of the first tenth, the last one and the whole; from the first message on, as starting takes a while. */
export function rates({ firstAt, tenths }: Drained, count: number): Rates {
  const at = (n: number) => tenths.at(n) ?? Number.NaN;
  const perSecond = (messages: number, ms: number) => (messages / ms) * 1_000;
  return {
    first: perSecond(count / 10, at(0) - firstAt),
    last: perSecond(count / 10, at(-1) - at(-2)),
    whole: perSecond(count, at(-1) - firstAt),
  };
}
