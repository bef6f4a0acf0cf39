import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { PublishError } from "../../src/bridge/publish-error.js";
import { syncBridge } from "../../src/bridge/sync.js";
import type { DeliverResult } from "../../src/destination/destination.js";
import { createMessage } from "../../src/message/create-message.js";
import { failed, failing, fakeDestination, gate, makeMessages, never } from "./fake-destination.js";

const down = () => Promise.reject(new Error("down"));
const client = { query: async () => ({ rows: [] }) };

afterEach(() => {
  vi.useRealTimers();
});

async function failureOf(promise: Promise<unknown>): Promise<PublishError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PublishError) return error;
  throw new Error(`not a PublishError: ${error}`);
}

describe("delivery", () => {
  test("publishes to every destination, and to the others when some fail", async () => {
    const [one, two, three] = [
      fakeDestination("one", down),
      fakeDestination("two"),
      fakeDestination("three", down),
    ] as const;
    const messages = makeMessages(2);
    const error = await failureOf(syncBridge([one, two, three]).publish(messages, {}));
    expect(two.calls).toEqual([messages]);
    expect(error.code).toBe("PUBLISH_FAILED");
    expect(error.failures.map(({ destination }) => destination)).toEqual([one, three]);
    expect(error.failures.map((failure) => failure.messages)).toEqual([messages, messages]);
    expect(error.message).toContain('2 to "one" (down); 2 to "three" (down)');
    expect(error.cause).toBe(error.failures[0]?.error);
  });

  test("a synchronous throw of a destination is its error", async () => {
    const thrower = {
      name: "thrower",
      deliver() {
        throw new Error("at once");
      },
    };
    const error = await failureOf(syncBridge([thrower]).publish(makeMessages(1), {}));
    expect(error.failures[0]?.error).toEqual(new Error("at once"));
  });

  test("says which messages failed where the destination can tell", async () => {
    const messages = makeMessages(3);
    const reason = new Error("bad message");
    const picky = fakeDestination("picky", () => [
      { status: "stored" },
      failed(reason),
      { status: "stored" },
    ]);
    const error = await failureOf(syncBridge([picky]).publish(messages, {}));
    expect(error.failures).toEqual([
      { destination: picky, messages: [messages[1]], error: reason },
    ]);
  });

  test("splits at maxBatch, in order", async () => {
    const messages = makeMessages(5);
    const small = fakeDestination("small", undefined, { maxBatch: 2 });
    expect(await syncBridge([small]).publish(messages, {})).toHaveLength(5);
    expect(small.calls).toEqual([messages.slice(0, 2), messages.slice(2, 4), messages.slice(4)]);
  });

  test("sends nothing past a call that rejected, and reports all that is missing", async () => {
    const messages = makeMessages(5);
    let calls = 0;
    const flaky = fakeDestination("flaky", () => (++calls === 2 ? down() : undefined), {
      maxBatch: 2,
    });
    const error = await failureOf(syncBridge([flaky]).publish(messages, {}));
    expect(flaky.calls).toHaveLength(2);
    expect(error.failures.map((failure) => failure.messages)).toEqual([messages.slice(2)]);
  });

  test("goes on past a message that failed by itself", async () => {
    const messages = makeMessages(4);
    const errors = new Map([[messages[0]?.id ?? "", new Error("poison")]]);
    const picky = fakeDestination("picky", (batch) => failing(batch, errors), { maxBatch: 2 });
    const error = await failureOf(syncBridge([picky]).publish(messages, {}));
    expect(picky.calls.flat()).toEqual(messages);
    expect(error.failures.map((failure) => failure.messages)).toEqual([[messages[0]]]);
  });

  test("an empty list calls nobody", async () => {
    const destination = fakeDestination("d");
    expect(await syncBridge([destination]).publish([], {})).toEqual([]);
    expect(destination.calls).toEqual([]);
  });

  test.each<[string[], string]>([
    [["stored", "duplicate"], "stored"],
    [["duplicate", "duplicate"], "duplicate"],
    [["duplicate", "accepted"], "duplicate"],
    [["accepted", "accepted"], "accepted"],
    [["accepted", "stored"], "stored"],
  ])("%s is %s", async (statuses, expected) => {
    const destinations = statuses.map((status) =>
      fakeDestination(status, () => [{ status } as DeliverResult]),
    );
    const messages = makeMessages(1);
    const results = await syncBridge(destinations).publish(messages, {});
    expect(results).toEqual([{ id: messages[0]?.id, status: expected }]);
  });

  test.each([
    ["too few results", [{ status: "stored" }]],
    ["an unknown status", [{ status: "stored" }, { status: "ok" }]],
    ["a hole", [{ status: "stored" }, undefined]],
  ])("an answer with %s counts as not delivered", async (_, answer) => {
    const odd = fakeDestination("odd", () => answer as DeliverResult[]);
    const error = await failureOf(syncBridge([odd]).publish(makeMessages(2), {}));
    expect(error.failures[0]?.messages).toHaveLength(2);
    expect(error.failures[0]?.error).toMatchObject({ code: "PUBLISH_FAILED" });
  });

  test("a destination that ignores the signal doesn't hang the publish", async () => {
    vi.useFakeTimers();
    let signal: AbortSignal | undefined;
    const deaf = fakeDestination("deaf", (_, options) => {
      signal = options.signal;
      return never();
    });
    const publishing = failureOf(
      syncBridge([deaf], { timeoutMs: 500 }).publish(makeMessages(1), {}),
    );
    await vi.advanceTimersByTimeAsync(499);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.aborted).toBe(true);
    expect((await publishing).failures[0]?.error).toMatchObject({ code: "DELIVERY_TIMEOUT" });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no timer behind", async () => {
    vi.useFakeTimers();
    await syncBridge([fakeDestination("d")]).publish(makeMessages(1), {});
    expect(vi.getTimerCount()).toBe(0);
  });

  test("any number of concurrent publishes causes no warning", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const bridge = syncBridge([fakeDestination("d")]);
    await Promise.all(makeMessages(50).map((message) => bridge.publish([message], {})));
    await new Promise(setImmediate);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  test("the error's log output holds no payload", async () => {
    const message = createMessage("user.created", { secret: "hunter2" });
    const error = await failureOf(syncBridge([fakeDestination("d", down)]).publish([message], {}));
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
    expect(JSON.stringify({ ...error })).not.toContain("hunter2");
    expect(error.failures[0]?.messages).toEqual([message]);
  });
});

describe("transactions", () => {
  test("refuses before anything is sent, and names who can't", async () => {
    const postgres = fakeDestination("postgres", undefined, { transactional: true });
    const other = fakeDestination("other");
    const publishing = syncBridge([postgres, other]).publish(makeMessages(1), { tx: client });
    await expect(publishing).rejects.toMatchObject({
      code: "TRANSACTION_UNSUPPORTED",
      message: expect.stringContaining('"other"'),
    });
    expect([...postgres.calls, ...other.calls]).toEqual([]);
  });

  test("uses the client from one destination after another", async () => {
    let running = 0;
    const clients: unknown[] = [];
    const make = (name: string) =>
      fakeDestination(
        name,
        async (_, { tx }) => {
          clients.push(tx);
          running += 1;
          expect(running).toBe(1);
          await new Promise(setImmediate);
          running -= 1;
          return undefined;
        },
        { transactional: true, maxBatch: 1 },
      );
    await syncBridge([make("a"), make("b")]).publish(makeMessages(2), { tx: client });
    expect(clients).toEqual([client, client, client, client]);
  });

  test("a destination gets no tx where there is none", async () => {
    const destination = fakeDestination("d", (_, options) => {
      expect("tx" in options).toBe(false);
      return undefined;
    });
    await syncBridge([destination]).publish(makeMessages(1), {});
    expect(destination.calls).toHaveLength(1);
  });
});

describe("failure handlers", () => {
  test("are told per destination, and contained", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const bridge = syncBridge([fakeDestination("a", down), fakeDestination("b", down)]);
    const told: unknown[] = [];
    bridge.onDeliveryFailure(() => {
      throw new Error("handler is broken");
    });
    bridge.onDeliveryFailure(() => Promise.reject(new Error("handler is broken, too")));
    bridge.onDeliveryFailure((batch, error, destination) => {
      told.push([batch.length, (error as Error).message, destination.name]);
    });
    await expect(bridge.publish(makeMessages(2), {})).rejects.toThrow(PublishError);
    expect(told).toEqual([
      [2, "down", "a"],
      [2, "down", "b"],
    ]);
    await vi.waitFor(() => expect(warned).toHaveBeenCalledTimes(4));
    warned.mockRestore();
  });
});

describe("drain", () => {
  test("closes, and waits for the publishes that run", async () => {
    const { opened, open } = gate();
    const bridge = syncBridge([fakeDestination("d", () => opened)]);
    const publishing = bridge.publish(makeMessages(1), {});
    const draining = bridge.drain();
    expect(bridge.drain({ deadlineMs: 1 })).toBe(draining);
    await expect(bridge.publish(makeMessages(1), {})).rejects.toMatchObject({
      code: "BRIDGE_DRAINED",
    });
    open();
    expect(await publishing).toHaveLength(1);
    expect(await draining).toEqual({ undelivered: { d: 0 } });
  });

  test("aborts at its deadline, and counts what was left", async () => {
    vi.useFakeTimers();
    const bridge = syncBridge([fakeDestination("deaf", never), fakeDestination("good")]);
    const publishing = failureOf(bridge.publish(makeMessages(3), {}));
    const draining = bridge.drain({ deadlineMs: 100 });
    await vi.advanceTimersByTimeAsync(100);
    expect(await draining).toEqual({ undelivered: { deaf: 3, good: 0 } });
    expect((await publishing).failures[0]?.error).toMatchObject({ code: "BRIDGE_DRAINED" });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("options", () => {
  test.each([
    ["no destination", () => syncBridge([])],
    ["a timeout of 0", () => syncBridge([fakeDestination("d")], { timeoutMs: 0 })],
    ["a timeout no timer keeps", () => syncBridge([fakeDestination("d")], { timeoutMs: 2 ** 31 })],
    ["a maxBatch of 0", () => syncBridge([fakeDestination("d", undefined, { maxBatch: 0 })])],
    ["an unknown option", () => syncBridge([fakeDestination("d")], { timeout: 1 } as object)],
  ])("%s is refused", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  });
});
