import fc from "fast-check";
import { expect, test } from "vitest";
import { type Place, Watermark } from "../../../src/source/kafka/watermark.js";

test("stands at the first that isn't finished, whatever is finished behind it", () => {
  const watermark = new Watermark(5);
  const [a, b, c] = [5, 6, 7].map((offset) => watermark.take(offset) as Place);
  expect(watermark.position).toBe(5);
  watermark.finish(c as Place);
  watermark.finish(b as Place);
  expect([watermark.position, watermark.open, watermark.ahead]).toEqual([5, 1, 3]);
  watermark.finish(a as Place);
  expect([watermark.position, watermark.open, watermark.ahead]).toEqual([8, 0, 0]);
});

test("takes a record once, and leaves out what the log leaves out", () => {
  const watermark = new Watermark(0);
  expect(watermark.take(3)).toBeDefined();
  expect(watermark.take(3)).toBeUndefined();
  expect(watermark.take(1)).toBeUndefined();
  expect(watermark.next).toBe(4);
});

test("never passes what isn't finished, and is nowhere short of it, in any order", () => {
  const offsets = fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(offsets, fc.infiniteStream(fc.nat()), (taken, picks) => {
      const sorted = taken.sort((a, b) => a - b);
      const watermark = new Watermark(0);
      const open = sorted.map((offset) => watermark.take(offset) as Place);
      while (open.length > 0) {
        const [place] = open.splice((picks.next().value as number) % open.length, 1);
        watermark.finish(place as Place);
        const least = open.length > 0 ? (open[0] as Place).offset : (sorted.at(-1) as number) + 1;
        expect(watermark.position).toBe(least);
        expect(watermark.open).toBe(open.length);
      }
    }),
  );
});
