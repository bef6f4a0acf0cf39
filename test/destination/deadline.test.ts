import { expect, test } from "vitest";
import { Deadline } from "../../src/destination/deadline.js";

const HOUR_MS = 3_600_000;
const over = new Error("over");

test("a signal that is first asked for after the end is aborted", () => {
  const parent = new AbortController();
  const limit = new Deadline(parent.signal, HOUR_MS, () => new Error("late"));
  parent.abort(over);
  expect(limit.signal.aborted).toBe(true);
  expect(limit.signal.reason).toBe(over);
  limit.clear();
});

test("work that doesn't heed the signal is left behind at the end", async () => {
  const parent = new AbortController();
  const limit = new Deadline(parent.signal, HOUR_MS, () => new Error("late"));
  const work = limit.race(new Promise(() => {}));
  parent.abort(over);
  await expect(work).rejects.toBe(over);
  await expect(limit.race(new Promise(() => {}))).rejects.toBe(over);
  limit.clear();
});

test("the time is over", async () => {
  const limit = new Deadline(new AbortController().signal, 1, () => over);
  await expect(limit.race(new Promise(() => {}))).rejects.toBe(over);
  expect(limit.signal.reason).toBe(over);
  limit.clear();
});

test("a listener is told of the end, and at once of one that has come", () => {
  const parent = new AbortController();
  const limit = new Deadline(parent.signal, HOUR_MS, () => new Error("late"));
  const told: unknown[] = [];
  limit.throwIfOver();
  limit.onEnd((reason) => told.push(reason));
  expect(told).toEqual([]);
  parent.abort(over);
  expect(told).toEqual([over]);
  limit.onEnd((reason) => told.push(reason));
  expect(told).toEqual([over, over]);
  expect(() => limit.throwIfOver()).toThrow(over);
  limit.clear();
});
