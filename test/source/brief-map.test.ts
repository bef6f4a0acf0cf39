import { expect, it } from "vitest";
import { BriefMap } from "../../src/source/brief-map.js";

it("holds what was added and not deleted, through any number of them", () => {
  const map = new BriefMap<number>();
  const model = new Map<string, number>();
  for (let n = 0; n < 10_000; n += 1) {
    const key = String((n * 7_919) % 5_000);
    if (!model.has(key)) {
      map.add(key, n);
      model.set(key, n);
    }
    const other = String((n * 104_729) % 6_000);
    if (n % 10 > 0) {
      map.delete(other);
      model.delete(other);
    }
    expect(map.get(key)).toBe(model.get(key));
    expect(map.get(other)).toBe(model.get(other));
  }
  expect(model.size).toBeGreaterThan(0);
  expect([...map.values()].sort()).toEqual([...model.values()].sort());
});

it("forgets what was deleted", () => {
  const map = new BriefMap<object>();
  for (let n = 0; n < 1_024; n += 1) {
    map.add("key", {});
    map.delete("key");
    map.add(String(n), {});
    map.delete(String(n));
  }
  expect([...map.values()]).toEqual([]);
});

it("keeps what stays while others come and go", () => {
  const map = new BriefMap<string>();
  map.add("kept", "here");
  for (let n = 0; n < 5_000; n += 1) {
    map.add(String(n), "brief");
    map.delete(String(n));
  }
  expect([map.get("kept"), ...map.values()]).toEqual(["here", "here"]);
});
