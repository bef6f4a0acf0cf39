import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import type { PublishResult } from "../../src/bridge/bridge.js";
import type { Message } from "../../src/message/message.js";
import { failing, fakeDestination, gate, makeMessages, never } from "./fake-destination.js";

const down = () => Promise.reject(new Error("down"));
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Fails the first `times` calls, then takes all. */
function flaky(name: string, times: number, error: unknown = new Error("down"), ordered = false) {
  let calls = 0;
  return fakeDestination(name, () => (++calls <= times ? Promise.reject(error) : undefined), {
    ordered,
  });
}

function idsOf(messages: readonly Message[]): string[] {
  return messages.map(({ id }) => id);
}

describe("delivery", () => {
  test("answers accepted once buffered, and delivers to all destinations", async () => {
    const [one, two] = [fakeDestination("one"), fakeDestination("two", never)];
    const messages = makeMessages(2);
    const results = await asyncBridge([one, two]).publish(messages, {});
    expect(results).toEqual(messages.map(({ id }) => ({ id, status: "accepted" })));
    await settle();
    expect([one.calls, two.calls]).toEqual([[messages], [messages]]);
  });

  test("what gathers while a call runs is the next batch, cut at maxBatch", async () => {
    const { opened, open } = gate();
    const slow = fakeDestination("slow", () => opened, { maxBatch: 3 });
    const bridge = asyncBridge([slow]);
    const messages = makeMessages(6);
    for (const message of messages) {
      await bridge.publish([message], {});
      await settle();
    }
    expect(slow.calls).toEqual([[messages[0]]]);
    open();
    await settle();
    expect(slow.calls).toEqual([[messages[0]], messages.slice(1, 4), messages.slice(4)]);
  });

  test("what is published in one turn is one batch", async () => {
    const destination = fakeDestination("d");
    const bridge = asyncBridge([destination]);
    const messages = makeMessages(3);
    await Promise.all(messages.map((message) => bridge.publish([message], {})));
    await settle();
    expect(destination.calls).toEqual([messages]);
  });

  test("a destination that never answers doesn't stop the others, and times out", async () => {
    const [deaf, good] = [fakeDestination("deaf", never), fakeDestination("good")];
    const bridge = asyncBridge([deaf, good], { maxAttempts: 1, timeoutMs: 1_000 });
    const errors: unknown[] = [];
    bridge.onDeliveryFailure((_, error) => errors.push(error));
    for (const message of makeMessages(3)) {
      await bridge.publish([message], {});
      await settle();
    }
    expect([deaf.calls.length, good.calls.length]).toEqual([1, 3]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(errors).toMatchObject([{ code: "DELIVERY_TIMEOUT" }]);
    expect(deaf.calls.length).toBe(2);
  });

  test("refuses a transaction", async () => {
    const destination = fakeDestination("d", undefined, { transactional: true });
    const publishing = asyncBridge([destination]).publish(makeMessages(1), {
      tx: { query: async () => ({ rows: [] }) },
    });
    await expect(publishing).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
    await settle();
    expect(destination.calls).toEqual([]);
  });

  test("an empty list calls nobody", async () => {
    const destination = fakeDestination("d");
    expect(await asyncBridge([destination]).publish([], {})).toEqual([]);
    await settle();
    expect(destination.calls).toEqual([]);
  });
});

describe("retries", () => {
  test("only the destination that failed, with a wait that doubles up to 30 s", async () => {
    const [bad, good] = [fakeDestination("bad", down), fakeDestination("good")];
    const times: number[] = [];
    const start = performance.now();
    const timed = {
      ...bad,
      deliver: (...args: Parameters<typeof bad.deliver>) => {
        times.push(performance.now() - start);
        return bad.deliver(...args);
      },
    };
    const bridge = asyncBridge([timed, good], { maxAttempts: 10, waitMs: 200 });
    bridge.onDeliveryFailure(() => {});
    await bridge.publish(makeMessages(1), {});
    await vi.advanceTimersByTimeAsync(600_000);
    const waits = times.slice(1).map((time, index) => Math.round(time - (times[index] ?? 0)));
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000]);
    expect(good.calls).toHaveLength(1);
  });

  test("with jitter, at least half the wait", async () => {
    vi.mocked(Math.random).mockReturnValue(0);
    const bad = flaky("bad", 1);
    await asyncBridge([bad], { waitMs: 200 }).publish(makeMessages(1), {});
    await vi.advanceTimersByTimeAsync(99);
    expect(bad.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(bad.calls).toHaveLength(2);
  });

  test("only the messages that failed; others pass them where order isn't kept", async () => {
    const messages = makeMessages(4);
    const errors = new Map([[messages[1]?.id ?? "", new Error("not now")]]);
    const picky = fakeDestination("picky", (batch) => failing(batch, errors));
    const bridge = asyncBridge([picky], { waitMs: 200 });
    await bridge.publish(messages.slice(0, 3), {});
    await settle();
    await bridge.publish(messages.slice(3), {});
    await settle();
    errors.clear();
    await vi.advanceTimersByTimeAsync(200);
    expect(picky.calls).toEqual([messages.slice(0, 3), [messages[3]], [messages[1]]]);
  });

  test("a failed message holds what follows where order is kept", async () => {
    const messages = makeMessages(4);
    const errors = new Map([[messages[1]?.id ?? "", new Error("not now")]]);
    const picky = fakeDestination("picky", (batch) => failing(batch, errors), { ordered: true });
    const bridge = asyncBridge([picky], { waitMs: 200 });
    await bridge.publish(messages.slice(0, 3), {});
    await settle();
    await bridge.publish(messages.slice(3), {});
    await settle();
    expect(picky.calls).toHaveLength(1);
    errors.clear();
    await vi.advanceTimersByTimeAsync(200);
    expect(picky.calls).toEqual([messages.slice(0, 3), [messages[1], messages[3]]]);
  });

  test("a failed call holds what follows, and the order stays", async () => {
    const bad = flaky("bad", 1);
    const bridge = asyncBridge([bad], { waitMs: 200 });
    const messages = makeMessages(3);
    await bridge.publish(messages.slice(0, 2), {});
    await settle();
    await bridge.publish(messages.slice(2), {});
    await vi.advanceTimersByTimeAsync(199);
    expect(bad.calls).toEqual([messages.slice(0, 2)]);
    await vi.advanceTimersByTimeAsync(1);
    expect(bad.calls).toEqual([messages.slice(0, 2), messages]);
  });

  test("not before the error's retryAfterMs", async () => {
    const bad = flaky("bad", 1, Object.assign(new Error("busy"), { retryAfterMs: 5_000 }));
    await asyncBridge([bad], { waitMs: 200 }).publish(makeMessages(1), {});
    await vi.advanceTimersByTimeAsync(4_999);
    expect(bad.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(bad.calls).toHaveLength(2);
  });

  test("a retryAfterMs longer than a timer keeps doesn't fire at once", async () => {
    const bad = flaky("bad", 1, Object.assign(new Error("busy"), { retryAfterMs: 2 ** 32 }));
    await asyncBridge([bad]).publish(makeMessages(1), {});
    await settle();
    const start = performance.now();
    await vi.advanceTimersToNextTimerAsync();
    expect(performance.now() - start).toBe(2 ** 31 - 1);
    expect(bad.calls).toHaveLength(1);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, "5", undefined])(
    "a retryAfterMs of %s counts for nothing",
    async (retryAfterMs) => {
      const bad = flaky("bad", 1, Object.assign(new Error("busy"), { retryAfterMs }));
      await asyncBridge([bad], { waitMs: 200 }).publish(makeMessages(1), {});
      await vi.advanceTimersByTimeAsync(200);
      expect(bad.calls).toHaveLength(2);
    },
  );

  test("not after a permanent error", async () => {
    const error = Object.assign(new Error("gone"), { permanent: true });
    const bad = flaky("bad", 99, error);
    const bridge = asyncBridge([bad]);
    const told = vi.fn();
    bridge.onDeliveryFailure(told);
    const messages = makeMessages(2);
    await bridge.publish(messages, {});
    await settle();
    expect(told.mock.calls).toEqual([[messages, error, bad]]);
    expect(bad.calls).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("giving up", () => {
  test("tells the handlers after maxAttempts, and goes on with what follows", async () => {
    const bad = flaky("bad", 3);
    const bridge = asyncBridge([bad], { maxAttempts: 3, waitMs: 10 });
    const told = vi.fn();
    bridge.onDeliveryFailure(told);
    const messages = makeMessages(2);
    await bridge.publish(messages.slice(0, 1), {});
    await vi.advanceTimersByTimeAsync(30);
    expect(told.mock.calls).toEqual([[messages.slice(0, 1), new Error("down"), bad]]);
    await bridge.publish(messages.slice(1), {});
    await settle();
    expect(bad.calls.at(-1)).toEqual(messages.slice(1));
    expect(told).toHaveBeenCalledTimes(1);
  });

  test("tells each error with its messages", async () => {
    const messages = makeMessages(3);
    const [e1, e2] = [new Error("one"), new Error("two")];
    const ids = idsOf(messages) as [string, string, string];
    const errors = new Map([
      [ids[0], e1],
      [ids[1], e2],
      [ids[2], e1],
    ]);
    const picky = fakeDestination("picky", (batch) => failing(batch, errors));
    const bridge = asyncBridge([picky], { maxAttempts: 1 });
    const told = vi.fn();
    bridge.onDeliveryFailure(told);
    await bridge.publish(messages, {});
    await settle();
    expect(told.mock.calls).toEqual([
      [[messages[0], messages[2]], e1, picky],
      [[messages[1]], e2, picky],
    ]);
  });

  test("warns if there is no handler", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    await asyncBridge([fakeDestination("bad", down)], { maxAttempts: 1 }).publish(
      makeMessages(2),
      {},
    );
    await settle();
    expect(warned.mock.calls).toMatchObject([
      [{ code: "PUBLISH_FAILED", message: expect.stringContaining('2 message(s) for "bad"') }],
    ]);
  });

  test("a handler that throws stops nothing", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const bad = flaky("bad", 1);
    const bridge = asyncBridge([bad], { maxAttempts: 1 });
    const told = vi.fn();
    bridge.onDeliveryFailure(() => {
      throw new Error("handler is broken");
    });
    bridge.onDeliveryFailure(told);
    await bridge.publish(makeMessages(1), {});
    await settle();
    await bridge.publish(makeMessages(1), {});
    await settle();
    expect(told).toHaveBeenCalledTimes(1);
    expect(bad.calls).toHaveLength(2);
    expect(warned).toHaveBeenCalledTimes(1);
  });
});

describe("back-pressure", () => {
  test("waits for room, in order", async () => {
    const { opened, open } = gate();
    const slow = fakeDestination("slow", () => opened);
    const bridge = asyncBridge([slow], { maxBuffered: 2 });
    const messages = makeMessages(4);
    const accepted: number[] = [];
    const publish = (from: number, to: number) =>
      bridge.publish(messages.slice(from, to), {}).then(() => accepted.push(from));
    const all = [publish(0, 1), publish(1, 3), publish(3, 4)];
    await settle();
    expect(accepted).toEqual([0]);
    open();
    await Promise.all(all);
    await settle();
    expect(accepted).toEqual([0, 1, 3]);
    expect(slow.calls.flat()).toEqual(messages);
  });

  test("rejects with all or nothing across destinations", async () => {
    const [stuck, good] = [fakeDestination("stuck", never), fakeDestination("good")];
    const bridge = asyncBridge([stuck, good], { maxBuffered: 2, whenFull: "reject" });
    const messages = makeMessages(4);
    await bridge.publish(messages.slice(0, 1), {});
    await settle();
    await expect(bridge.publish(messages.slice(1, 3), {})).rejects.toMatchObject({
      code: "BUFFER_FULL",
    });
    await bridge.publish(messages.slice(3), {});
    await settle();
    expect(good.calls.flat()).toEqual([messages[0], messages[3]]);
  });

  test("has room again once messages are given up", async () => {
    const bridge = asyncBridge([fakeDestination("bad", down)], { maxBuffered: 1, maxAttempts: 2 });
    bridge.onDeliveryFailure(() => {});
    const results: PublishResult[] = [];
    for (const message of makeMessages(3)) {
      bridge.publish([message], {}).then((added) => results.push(...added));
    }
    await vi.advanceTimersByTimeAsync(399);
    expect(results).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(results).toHaveLength(3);
  });

  test.each(["wait", "reject"] as const)(
    "more than ever fits is refused (%s)",
    async (whenFull) => {
      const bridge = asyncBridge([fakeDestination("d")], { maxBuffered: 2, whenFull });
      await expect(bridge.publish(makeMessages(3), {})).rejects.toMatchObject({
        code: "BUFFER_FULL",
      });
    },
  );
});

describe("drain", () => {
  test("delivers what is left, retries included", async () => {
    const bad = flaky("bad", 2);
    const bridge = asyncBridge([bad, fakeDestination("good")]);
    await bridge.publish(makeMessages(2), {});
    const draining = bridge.drain({ deadlineMs: 10_000 });
    await vi.advanceTimersByTimeAsync(600);
    expect(await draining).toEqual({ undelivered: { bad: 0, good: 0 } });
    expect(bad.calls).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of an idle bridge is done at once, and twice the same", async () => {
    const bridge = asyncBridge([fakeDestination("d")]);
    const draining = bridge.drain();
    expect(bridge.drain({ deadlineMs: 1 })).toBe(draining);
    expect(await draining).toEqual({ undelivered: { d: 0 } });
  });

  test("stops intake, and rejects who waits for room", async () => {
    const { opened, open } = gate();
    const slow = fakeDestination("slow", () => opened);
    const bridge = asyncBridge([slow], { maxBuffered: 1 });
    const messages = makeMessages(2);
    await bridge.publish(messages.slice(0, 1), {});
    const waiting = bridge.publish(messages.slice(1), {});
    const draining = bridge.drain();
    await expect(waiting).rejects.toMatchObject({ code: "BRIDGE_DRAINED" });
    await expect(bridge.publish(messages, {})).rejects.toMatchObject({ code: "BRIDGE_DRAINED" });
    open();
    await draining;
    expect(slow.calls).toEqual([messages.slice(0, 1)]);
  });

  test("aborts at its deadline, and hands over what was left", async () => {
    let signal: AbortSignal | undefined;
    const hanging = fakeDestination(
      "hanging",
      (_, options) => {
        signal = options.signal;
        return never();
      },
      { maxBatch: 2 },
    );
    const bridge = asyncBridge([
      hanging,
      fakeDestination("retrying", down),
      fakeDestination("good"),
    ]);
    const told = vi.fn();
    bridge.onDeliveryFailure(told);
    const messages = makeMessages(5);
    await bridge.publish(messages, {});
    const draining = bridge.drain({ deadlineMs: 1_000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.aborted).toBe(true);
    expect(await draining).toEqual({ undelivered: { hanging: 5, retrying: 5, good: 0 } });
    const left = told.mock.calls.map(([batch, error, { name }]) => [name, batch, error.code]);
    expect(left.sort()).toEqual([
      ["hanging", messages, "BRIDGE_DRAINED"],
      ["retrying", messages, "BRIDGE_DRAINED"],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("many destinations cause no warning", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const destinations = Array.from({ length: 30 }, (_, index) => fakeDestination(`d${index}`));
  await asyncBridge(destinations).publish(makeMessages(1), {});
  await settle();
  expect(warned).not.toHaveBeenCalled();
});

describe("options", () => {
  test.each([
    ["no destination", () => asyncBridge([])],
    ["no attempt", () => asyncBridge([fakeDestination("d")], { maxAttempts: 0 })],
    ["a negative wait", () => asyncBridge([fakeDestination("d")], { waitMs: -1 })],
    ["no buffer", () => asyncBridge([fakeDestination("d")], { maxBuffered: 0 })],
    ["no time", () => asyncBridge([fakeDestination("d")], { timeoutMs: Number.NaN })],
    ["a typo", () => asyncBridge([fakeDestination("d")], { whenFull: "drop" as "wait" })],
    ["an unknown option", () => asyncBridge([fakeDestination("d")], { retries: 1 } as object)],
  ])("%s is refused", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  });
});
