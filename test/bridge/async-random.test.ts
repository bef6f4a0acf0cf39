import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import type { Message } from "../../src/message/message.js";
import { failed, fakeDestination, makeMessages, never } from "./fake-destination.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** What a call does, drawn at random: take all, reject, hang, or fail each message with a bit of `mask`. */
const behaviour = fc.record({
  kind: fc.constantFrom("take", "reject", "hang", "some"),
  mask: fc.nat(0xffff),
});

const scenario = fc.record({
  destinations: fc.array(
    fc.record({
      behaviours: fc.array(behaviour, { maxLength: 12 }),
      ordered: fc.boolean(),
      maxBatch: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  publishes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 10 }),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  whenFull: fc.constantFrom("wait" as const, "reject" as const),
  pauseMs: fc.nat(500),
  deadlineMs: fc.option(fc.nat(5_000), { nil: undefined }),
});

test("every accepted message is delivered or given up, once, by each destination", async () => {
  const run = async (given: Parameters<typeof play>[0]) => {
    const { accepted, delivered, givenUp, ordered } = await play(given);
    for (const [index, arrived] of delivered.entries()) {
      const all = [...arrived, ...(givenUp[index] ?? [])];
      expect([...all].sort()).toEqual([...accepted].sort());
      if (ordered[index]) expect(arrived).toEqual(accepted.filter((id) => arrived.includes(id)));
    }
  };
  await fc.assert(fc.asyncProperty(scenario, run), { numRuns: 200 });
});

async function play(given: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  vi.clearAllTimers();
  const delivered: string[][] = [];
  const givenUp: string[][] = [];
  const destinations = given.destinations.map(({ behaviours, ordered, maxBatch }, index) => {
    const arrived: string[] = [];
    delivered.push(arrived);
    givenUp.push([]);
    const script = [...behaviours];
    const answer = (batch: readonly Message[]) => {
      const { kind, mask } = script.shift() ?? { kind: "take", mask: 0 };
      if (kind === "hang") return never();
      if (kind === "reject") return Promise.reject(new Error("down"));
      // An ordered destination stops at the first message that it can't take.
      const results = batch.map((_, at) => {
        const before = ordered ? mask & (2 ** (at + 1) - 1) : mask & (2 ** at);
        return kind === "some" && before > 0
          ? failed(new Error("not this one"))
          : ({ status: "stored" } as const);
      });
      arrived.push(
        ...batch.filter((_, at) => results[at]?.status === "stored").map(({ id }) => id),
      );
      return results;
    };
    return fakeDestination(String(index), answer, { ordered, maxBatch });
  });
  const { maxAttempts, whenFull } = given;
  const options = { maxAttempts, whenFull, waitMs: 100, maxBuffered: 6, timeoutMs: 300 };
  const bridge = asyncBridge(destinations, options);
  bridge.onDeliveryFailure((batch, _, { name }) => {
    givenUp[Number(name)]?.push(...batch.map(({ id }) => id));
  });

  const accepted: string[] = [];
  for (const count of given.publishes) {
    bridge.publish(makeMessages(count), {}).then(
      (results) => accepted.push(...results.map(({ id }) => id)),
      (error) => expect(error.code).toMatch(/^(BUFFER_FULL|BRIDGE_DRAINED)$/),
    );
    await vi.advanceTimersByTimeAsync(given.pauseMs);
  }
  const { deadlineMs } = given;
  const draining = bridge.drain(deadlineMs === undefined ? {} : { deadlineMs });
  await vi.runAllTimersAsync();
  const { undelivered } = await draining;
  for (const [index, ids] of givenUp.entries()) {
    expect(undelivered[index]).toBeLessThanOrEqual(ids.length);
  }
  const ordered = given.destinations.map((destination) => destination.ordered);
  return { accepted, delivered, givenUp, ordered };
}
