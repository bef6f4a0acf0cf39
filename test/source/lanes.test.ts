import { describe, expect, it, vi } from "vitest";
import { Fifo } from "../../src/source/fifo.js";
import { Lanes } from "../../src/source/lanes.js";
import { Lru } from "../../src/source/lru.js";

/** Lanes whose items run until they are told to finish. */
function held(maxWorkers: number, concurrency: Record<string, number> = {}) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const lanes = new Lanes<string>({
    maxWorkers,
    concurrencyOf: (queue) => concurrency[queue],
    run: (item, done) => {
      started.push(item);
      ends.set(item, done);
    },
  });
  const finish = async (...items: string[]) => {
    for (const item of items) ends.get(item)?.();
    await new Promise(setImmediate);
  };
  return { lanes, started, finish };
}

describe("Lanes", () => {
  it("runs no more than maxWorkers at once, in order of a queue", async () => {
    const { lanes, started, finish } = held(2);
    lanes.addMany("a", ["1", "2", "3", "4"]);
    expect(started).toEqual(["1", "2"]);
    expect([lanes.running, lanes.pending("a"), lanes.pending()]).toEqual([2, 2, 2]);
    await finish("2");
    expect(started).toEqual(["1", "2", "3"]);
    await finish("1", "3", "4");
    expect(started).toEqual(["1", "2", "3", "4"]);
  });

  it("keeps to a queue's concurrency, and lets others use the rest", async () => {
    const { lanes, started, finish } = held(10, { a: 1, b: 2 });
    lanes.addMany("a", ["a1", "a2"]);
    lanes.addMany("b", ["b1", "b2", "b3"]);
    expect(started).toEqual(["a1", "b1", "b2"]);
    await finish("a1");
    expect(started).toEqual(["a1", "b1", "b2", "a2"]);
    expect(lanes.pending("b")).toBe(1);
  });

  it("lets the queues take turns", async () => {
    const { lanes, started, finish } = held(1);
    lanes.addMany("a", ["a1", "a2", "a3", "a4"]);
    lanes.addMany("b", ["b1", "b2"]);
    lanes.add("c", "c1");
    for (let turn = 0; turn < 7; turn += 1) await finish(started.at(-1) as string);
    expect(started).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  });

  it("gives back what has not been started, and takes more afterwards", async () => {
    const { lanes, started, finish } = held(1);
    lanes.addMany("a", ["a1", "a2"]);
    lanes.add("b", "b1");
    expect(lanes.clear()).toEqual(["a2", "b1"]);
    expect(lanes.pending()).toBe(0);
    await finish("a1");
    expect(started).toEqual(["a1"]);
    lanes.add("b", "b2");
    expect(started).toEqual(["a1", "b2"]);
  });

  it("is idle when nothing runs and nothing is pending", async () => {
    const { lanes, finish } = held(1);
    await lanes.idle();
    const onIdle = vi.fn();
    lanes.addMany("a", ["1", "2"]);
    lanes.idle().then(onIdle);
    await finish("1");
    expect(onIdle).not.toHaveBeenCalled();
    await finish("2");
    expect(onIdle).toHaveBeenCalledOnce();
  });
});

describe("Fifo", () => {
  it("is a list, whatever the mix of pushes and shifts", () => {
    const fifo = new Fifo<number>();
    const model: number[] = [];
    const shifted: number[] = [];
    for (let i = 0; i < 20_000; i += 1) {
      fifo.push(i);
      model.push(i);
      const shifts = i % 3 === 0 ? Math.min(2, model.length) : i % 2;
      for (let k = 0; k < shifts; k += 1) shifted.push(fifo.shift() - (model.shift() as number));
    }
    expect(new Set(shifted)).toEqual(new Set([0]));
    expect(fifo.size).toBe(model.length);
    expect(fifo.drain()).toEqual(model);
    expect(fifo.size).toBe(0);
  });
});

describe("Lru", () => {
  it("forgets what was used longest ago", () => {
    const lru = new Lru<number>(2);
    lru.set("a", 1);
    lru.set("b", 2);
    lru.get("a");
    lru.set("c", 3);
    expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual([1, undefined, 3]);
  });

  it("can be told to remember nothing", () => {
    const lru = new Lru<number>(0);
    lru.set("a", 1);
    expect(lru.get("a")).toBeUndefined();
  });
});
