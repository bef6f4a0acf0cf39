import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Pressure } from "../../../src/source/postgres/pressure.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
});

/** The least of these rates at which the pressure is high, after commits that took so long. */
function highFrom(...commitsMs: readonly number[]): number | undefined {
  return [50, 150, 250, 500, 700, 2_000].find((perSecond) => {
    const pressure = new Pressure();
    for (const ms of commitsMs) pressure.committed(ms);
    for (let ms = 0; ms < 2_000; ms += 10) {
      pressure.saw((perSecond * ms) / 1_000);
      vi.advanceTimersByTime(10);
    }
    return pressure.isHigh;
  });
}

test("the pressure is high where one flush after the other would take most of the time", () => {
  expect(highFrom(1)).toBe(700);
  expect(highFrom(3)).toBe(250);
  expect(highFrom(20)).toBe(50);
});

test("it is by the fastest of the last commits, and a disk that was never seen is taken for a slow one", () => {
  expect(highFrom(30_000, 1)).toBe(700);
  expect(highFrom(1, 5)).toBe(700);
  expect(highFrom(1, ...Array.from({ length: 500 }, () => 5))).toBe(150);
  expect(highFrom()).toBe(150);
});

test("it falls when less comes", () => {
  const pressure = new Pressure();
  for (const position of [1, 1_000]) pressure.saw(position);
  expect(pressure.isHigh).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(pressure.isHigh).toBe(false);
});

test("what others take counts as well, and what comes late doesn't count twice", () => {
  const [whole, shared] = [new Pressure(), new Pressure()];
  for (const pressure of [whole, shared]) pressure.committed(1);
  for (let ms = 0; ms < 1_000; ms += 1) {
    whole.saw(ms);
    if (ms % 5 === 0) shared.saw(ms);
    shared.saw(0);
    vi.advanceTimersByTime(1);
  }
  expect([whole.isHigh, shared.isHigh]).toEqual([true, true]);
  const slow = new Pressure();
  slow.committed(1);
  for (let ms = 0; ms < 1_000; ms += 1) {
    slow.saw(ms / 2);
    slow.saw(0);
    vi.advanceTimersByTime(1);
  }
  expect(slow.isHigh).toBe(false);
});
