import { expect, onTestFinished, test, vi } from "vitest";
import type { Database } from "../../../src/postgres/database.js";
import { Waker } from "../../../src/source/postgres/waker.js";

test("a poll that failed is not put off to the next interval", async () => {
  const lost = new Error("the connection was lost");
  const run = vi
    .fn()
    .mockRejectedValueOnce(lost)
    .mockResolvedValue([
      ["q", "t", null, null],
      [null, null, "1", null],
    ]);
  const [onPoll, onError] = [vi.fn(), vi.fn()];
  const waker = new Waker({
    db: { run } as unknown as Database,
    handled: [{ queue: "q", patterns: ["t.*"] }],
    intervalMs: 600_000,
    listens: false,
    places: () => ({ idle: 1, total: 1, idleTopics: 1 }),
    onPoll,
    onError,
  });
  waker.start();
  onTestFinished(() => waker.stop());
  await vi.waitFor(() => expect(onPoll).toHaveBeenCalled(), 10_000);
  expect(onError.mock.calls).toEqual([[lost]]);
  expect(onPoll.mock.calls[0]?.[0].news).toEqual([{ queue: "q", topic: "t" }]);
});

test("a poll trusts what an earlier one has found for half a minute, and looks again then", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const run = vi.fn().mockResolvedValue([[null, null, "1", "7"]]);
  const waker = new Waker({
    db: { run } as unknown as Database,
    handled: [{ queue: "q", patterns: ["t.*"] }],
    intervalMs: 10_000,
    listens: false,
    places: () => ({ idle: 1, total: 1, idleTopics: 1 }),
    onPoll: () => {},
    onError: (error) => expect.unreachable(String(error)),
  });
  waker.start();
  onTestFinished(() => waker.stop());
  await vi.advanceTimersByTimeAsync(45_000);
  expect(run.mock.calls.map(([, [, settled]]) => settled)).toEqual(["-1", "7", "7", "-1", "7"]);
});

test("while some topics are busy, a poll that takes long is followed by a pause that is longer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const startedAt: number[] = [];
  let takesMs = 1;
  const run = () => {
    startedAt.push(performance.now());
    const last = [null, null, String(takesMs), null];
    return new Promise((resolve) => setTimeout(() => resolve([last]), takesMs));
  };
  const waker = new Waker({
    db: { run } as unknown as Database,
    handled: [{ queue: "q", patterns: ["*"] }],
    intervalMs: 10_000,
    listens: false,
    places: () => ({ idle: 1, total: 2, idleTopics: 1 }),
    onPoll: () => {},
    onError: (error) => expect.unreachable(String(error)),
  });
  const pollsIn = async (ms: number) => {
    startedAt.length = 0;
    await vi.advanceTimersByTimeAsync(ms);
    return startedAt.length;
  };
  waker.start();
  onTestFinished(() => waker.stop());
  expect(await pollsIn(1_000)).toBeGreaterThan(40);
  takesMs = 100;
  await pollsIn(500);
  expect(await pollsIn(5_000)).toBe(10);
  takesMs = 9_000;
  await pollsIn(10_000);
  expect(await pollsIn(20_000)).toBe(2);
});
