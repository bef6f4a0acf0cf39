import { expect, it } from "vitest";
import { dueWork } from "../../../src/source/postgres/due-work.js";
import type { Held } from "../../../src/source/postgres/held.js";

type State = "open" | "begun" | "ended";

/** What was taken in this order, and was last recorded just now. */
function taken(states: readonly State[], isOrdered: boolean): ReadonlyMap<Held, number> {
  const now = performance.now();
  return new Map(
    states.map((state, n) => {
      const key = { queue: "q", topic: "t", seq: String(n), token: "1" };
      const isSettled = state === "ended";
      return [{ key, isOrdered, isSettled, isDirty: state !== "open" } as Held, now];
    }),
  );
}

const numbersOf = (open: ReadonlyMap<Held, number>) =>
  dueWork(open).map(({ held }) => held.map(({ key }) => Number((key as { seq: string }).seq)));

it("is what has ended, of an ordered queue with what was begun before it", () => {
  expect(numbersOf(taken(["begun", "open", "ended", "begun", "ended", "begun"], true))).toEqual([
    [0, 2, 3, 4],
  ]);
});

it("is only what has ended of the others", () => {
  expect(numbersOf(taken(["begun", "open", "ended", "begun"], false))).toEqual([[2]]);
});

it("is nothing as long as nothing has ended, for a while", () => {
  expect(numbersOf(taken(["begun", "open"], true))).toEqual([]);
});
