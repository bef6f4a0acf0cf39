import { afterEach, describe, expect, it, vi } from "vitest";
import { newId, toId } from "../../src/message/id.js";
import { withCode } from "./with-code.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const timeOf = (id: string) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("newId", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is a UUIDv7 of the present", () => {
    // Other tests of this process may have made ids in a time to come.
    const before = Math.max(Date.now(), timeOf(newId()));
    const id = newId();
    expect(id).toMatch(UUID_V7);
    expect(timeOf(id)).toBeGreaterThanOrEqual(before);
    expect(timeOf(id)).toBeLessThanOrEqual(Math.max(Date.now(), before));
  });

  it("is unique and greater than the one before, over many pools of random bytes", () => {
    const ids = Array.from({ length: 20_000 }, newId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(ids.toSorted());
  });

  it("ends in bits that no other id shares", () => {
    const ends = Array.from({ length: 20_000 }, () => newId().slice(24));
    expect(new Set(ends).size).toBe(ends.length);
  });

  it("stays unique and ascending when the clock is set back", () => {
    const first = newId();
    vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ["Date"] });
    const later = [newId(), newId()];
    expect([first, ...later]).toEqual([first, ...later].toSorted());
    expect(new Set([first, ...later]).size).toBe(3);
  });
});

describe("toId", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("accepts version %d, in lower case", (version) => {
    const id = `0198C2D0-0000-${version}000-8000-0000000000AB`;
    expect(toId(id)).toBe(id.toLowerCase());
  });

  it.each([
    "",
    "42",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0198c2d0-0000-9000-8000-0000000000ab",
    "0198c2d0-0000-7000-c000-0000000000ab",
    "{0198c2d0-0000-7000-8000-0000000000ab}",
    "0198c2d0-0000-7000-8000-0000000000ab\n",
    42,
    undefined,
  ])("refuses %j", (value) => {
    expect(() => toId(value)).toThrow(withCode("INVALID_ID"));
  });
});
