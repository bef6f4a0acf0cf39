import { expect, test } from "vitest";
import { type Operation, type Progress, runLong } from "../../src/operations/long-operation.js";

/** Counts to `total`, and remembers what each step has done. */
function counting(total: number) {
  const steps: [from: number, to: number][] = [];
  const operation: Operation<number> = {
    name: "count",
    begin: async () => 0,
    async step(from, limit) {
      const to = Math.min(total, from + limit);
      steps.push([from, to]);
      return { done: to - from, state: to, isLast: to === total };
    },
  };
  return { operation, steps };
}

test("goes on to the end, and reports where it begins and each step", async () => {
  const { operation } = counting(1_200);
  const seen: number[] = [];
  const result = await runLong(operation, { onProgress: ({ done }) => seen.push(done) });
  expect(result).toMatchObject({ done: 1_200, isComplete: true });
  expect(seen).toEqual([0, 500, 1_000, 1_200]);
});

test("stops when it is told to, and is resumed where it was", async () => {
  const { operation, steps } = counting(1_200);
  const controller = new AbortController();
  const stopped = await runLong(operation, {
    signal: controller.signal,
    onProgress: ({ done }) => done > 0 && controller.abort(),
  });
  expect(stopped).toMatchObject({ done: 500, isComplete: false });
  const result = await runLong(operation, { resume: stopped.resume });
  expect(result).toMatchObject({ done: 1_200, isComplete: true });
  expect(steps).toEqual([
    [0, 500],
    [500, 1_000],
    [1_000, 1_200],
  ]);
});

test("an abort ends the wait for the next step", async () => {
  const { operation, steps } = counting(3);
  const controller = new AbortController();
  const onProgress = ({ done }: Progress) => {
    if (done > 0) setImmediate(() => controller.abort());
  };
  const options = { ratePerSecond: 1, signal: controller.signal, onProgress };
  const result = await runLong(operation, options);
  expect(result).toMatchObject({ done: 1, isComplete: false });
  expect(steps).toEqual([[0, 1]]);
});

test.each(["", "{}", '["redrive",0,0]', '["count","x",0]'])(
  "refuses to resume %s",
  async (resume) => {
    const { operation, steps } = counting(3);
    await expect(runLong(operation, { resume })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect(steps).toEqual([]);
  },
);
