import { describe, expect, it } from "vitest";
import { relayOptions } from "../../src/config/relay-options.js";
import { relay } from "../../src/config/schema/relays.js";
import type { Backoff } from "../../src/receiver/middleware/backoff.js";

const ends = { from: "outbox", to: "web", queue: "to-web" };
const read = (more: object) => relayOptions(relay.parse({ ...ends, ...more }));

/** The shortest and the longest of many waits. */
function range(backoff: Backoff | undefined, attempt: number): [number, number] {
  const waits = Array.from({ length: 1_000 }, () => backoff?.(attempt) ?? Number.NaN);
  return [Math.min(...waits), Math.max(...waits)];
}

describe("what a configuration says of a relay", () => {
  it("has the waits of a relay that is told nothing", () => {
    const { backoff, breaker, limit } = read({});
    expect(limit).toBe(20);
    expect(breaker?.failures).toBe(5);
    expect(range(backoff, 1)[1]).toBeLessThanOrEqual(1_000);
    expect(range(backoff, 1)[0]).toBeGreaterThanOrEqual(800);
    expect(range(backoff, 20)[0]).toBeGreaterThanOrEqual(0.8 * 3_600_000);
    expect(range(breaker?.backoff, 1)[1]).toBeLessThanOrEqual(100);
    expect(range(breaker?.backoff, 20)[0]).toBeGreaterThanOrEqual(15_000);
  });

  it("has the waits that it names, up to the longest", () => {
    const retries = { retryMs: 10, retryMaxMs: 35 };
    const { backoff, breaker } = read({
      ...retries,
      breakerFailures: 2,
      breakerMs: 7,
      breakerMaxMs: 20,
    });
    expect([1, 2, 3].map((attempt) => range(backoff, attempt)[1])).toEqual([10, 20, 35]);
    expect(breaker?.failures).toBe(2);
    expect([1, 2, 3].map((attempt) => range(breaker?.backoff, attempt)[1])).toEqual([7, 14, 20]);
  });

  it("takes a time to start at", () => {
    expect(read({ startAt: "earliest" }).startAt).toBe("earliest");
    expect(read({ startAt: "2026-01-01T00:00:00Z" }).startAt).toEqual(
      new Date("2026-01-01T00:00:00Z"),
    );
  });
});
