import { describe, expect, test, vi } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import { retryAfter } from "../../src/receiver/failure.js";
import type { Handler } from "../../src/receiver/handler.js";
import { constantBackoff, withBackoff } from "../../src/receiver/middleware/backoff.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { memorySource } from "../../src/source/memory.js";
import { fakeClock } from "../../src/testing.js";
import { silent } from "../receiver/support.js";

const START = new Date("2026-01-01T00:00:00.000Z");
const { signal } = new AbortController();

describe("fakeClock", () => {
  test("runs what falls due on the way, in order, each at its time", async () => {
    const clock = fakeClock(START);
    const calls: [string, number][] = [];
    const note = (name: string) => () => calls.push([name, clock.now() - START.getTime()]);
    clock.after(200, note("second"));
    clock.after(100, () => {
      note("first")();
      clock.after(50, note("set on the way"));
    });
    clock.after(200, note("third"));
    clock.after(201, note("later"));
    await clock.advance(200);
    expect(calls).toEqual([
      ["first", 100],
      ["set on the way", 150],
      ["second", 200],
      ["third", 200],
    ]);
    expect(clock.now()).toBe(START.getTime() + 200);
  });

  test("doesn't run what was cancelled", async () => {
    const clock = fakeClock();
    const callback = vi.fn();
    clock.after(10, callback)();
    await clock.advance(10);
    expect(callback).not.toHaveBeenCalled();
  });

  test("moves on to the next thing, or stays", async () => {
    const clock = fakeClock(START);
    clock.after(70, () => {});
    expect([await clock.advanceToNext(), clock.now() - START.getTime()]).toEqual([true, 70]);
    expect([await clock.advanceToNext(), clock.now() - START.getTime()]).toEqual([false, 70]);
  });

  test.each([-1, Number.NaN])("refuses to move by %s", async (ms) => {
    await expect(fakeClock().advance(ms)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

describe("memory transports on a fake clock", () => {
  async function receive(handler: Handler) {
    const clock = fakeClock(START);
    const destination = memoryDestination({ clock });
    const source = memorySource(destination);
    const receiver = new Receiver({ source, logger: silent });
    receiver.use(withBackoff(constantBackoff(1_000)));
    await receiver.on("q", "user.*", handler).start();
    const publish = (options: MessageOptions = {}) =>
      destination.deliver([createMessage("user.created", {}, options)], { signal });
    return { clock, destination, publish };
  }

  test("retry when their time has come, not a millisecond earlier", async () => {
    const attempts: number[] = [];
    const { clock, publish } = await receive(({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error("not yet");
      if (attempt === 2) throw retryAfter(60_000);
    });
    await publish();
    await clock.advance(999);
    expect(attempts).toEqual([1]);
    await clock.advance(1);
    expect(attempts).toEqual([1, 2]);
    await clock.advance(59_999);
    expect(attempts).toEqual([1, 2]);
    await clock.advance(1);
    expect(attempts).toEqual([1, 2, 3]);
  });

  test.each([
    ["delayMs", { delayMs: 3_600_000 }],
    ["deliverAt", { deliverAt: new Date("2026-01-01T01:00:00.000Z") }],
  ])("hold a message back for its %s", async (_, options) => {
    const handler = vi.fn();
    const { clock, publish } = await receive(handler);
    await publish(options);
    await clock.advance(3_599_999);
    expect(handler).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(handler).toHaveBeenCalledOnce();
  });

  test("keep everything of a message but the time", async () => {
    const { destination } = await receive(() => {});
    const message = createMessage("user.created", new Uint8Array([1]), {
      key: "k",
      headers: { a: "b" },
      topic: "elsewhere",
      delayMs: 5,
    });
    await destination.deliver([message], { signal });
    const [kept] = destination.messages;
    expect(kept?.payload).toEqual(message.payload);
    expect(JSON.parse(JSON.stringify(kept))).toEqual({
      ...JSON.parse(JSON.stringify(message)),
      publishedAt: "2026-01-01T00:00:00.000Z",
      deliverAt: "2026-01-01T00:00:00.005Z",
    });
  });
});
