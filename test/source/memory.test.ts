import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import type { MemoryLog } from "../../src/message/memory-log.js";
import type { Message } from "../../src/message/message.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import type { Handler } from "../../src/receiver/handler.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { memorySource } from "../../src/source/memory.js";
import type { Source } from "../../src/source/source.js";
import { deferred, silent } from "../receiver/support.js";

const { signal } = new AbortController();

function memory(options?: { maxWorkers: number }) {
  const log = memoryDestination();
  const source = memorySource(log, options);
  const publish = async (name: string, options?: MessageOptions): Promise<Message> => {
    const message = createMessage(name, { id: 1 }, options);
    await log.deliver([message], { signal });
    return message;
  };
  return { log, source, publish };
}

function receive(source: Source): Receiver {
  return new Receiver({ source, logger: silent });
}

/** Lets everything run that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("memorySource", () => {
  it("gives each queue each message that it wants, once", async () => {
    const { source, publish } = memory();
    const calls: string[] = [];
    const log: Handler = ({ queue, message }) => calls.push(`${queue} ${message.name}`);
    await receive(source)
      .on("mail", "user.created", log)
      .on("crm", "user.*", log)
      .on("crm", "user.created", log)
      .on("audit", "*", log)
      .start();
    await publish("user.created");
    await publish("user.deleted");
    await publish("order.placed");
    await settle();
    expect(calls.sort()).toEqual([
      "audit order.placed",
      "audit user.created",
      "audit user.deleted",
      "crm user.created",
      "crm user.deleted",
      "mail user.created",
    ]);
  });

  it("reads a topic that was given explicitly", async () => {
    const { source, publish } = memory();
    const sales = vi.fn();
    const other = vi.fn();
    await receive(source)
      .on("sales", "order.placed", sales, { topic: "sales" })
      .on("other", "order.placed", other)
      .start();
    await publish("order.placed", { topic: "sales" });
    await settle();
    expect(sales).toHaveBeenCalledOnce();
    expect(other).not.toHaveBeenCalled();
  });

  it("never runs a handler inside the publish", async () => {
    const { log, source } = memory();
    const handler = vi.fn();
    await receive(source).on("q", "user.*", handler).start();
    log.deliver([createMessage("user.created", 1)], { signal });
    expect(handler).not.toHaveBeenCalled();
    await settle();
    expect(handler).toHaveBeenCalledOnce();
  });

  it.each([
    ["now", ["after"]],
    ["earliest", ["old", "young", "after"]],
    [new Date("2026-01-01T00:00:00.000Z"), ["young", "after"]],
  ] as const)("starts at %s", async (startAt, wanted) => {
    const { source, publish } = memory();
    const names: string[] = [];
    vi.setSystemTime("2025-12-31T23:59:59.999Z");
    await publish("user.old");
    vi.setSystemTime("2026-01-01T00:00:00.000Z");
    await publish("user.young");
    await receive(source)
      .queue("q", { startAt })
      .on("q", "user.*", ({ message }) => names.push(message.name.slice(5)))
      .start();
    await publish("user.after");
    await settle();
    expect(names).toEqual(wanted);
  });

  it("retries after the time it is told, counting attempts", async () => {
    const { source, publish } = memory();
    const attempts: number[] = [];
    await receive(source)
      .on("q", "user.created", ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw retryAfter(1_000);
      })
      .start();
    await publish("user.created");
    await settle();
    await vi.advanceTimersByTimeAsync(999);
    expect(attempts).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(attempts).toEqual([1, 2, 3]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it.each([
    ["deliverAt", () => ({ deliverAt: new Date(Date.now() + 60_000) })],
    ["delayMs", () => ({ delayMs: 60_000 })],
  ])("holds a message back until its %s", async (_, options) => {
    const { source, publish } = memory();
    const handler = vi.fn();
    await receive(source).on("q", "user.created", handler).start();
    await publish("user.created", options());
    await vi.advanceTimersByTimeAsync(59_999);
    expect(handler).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(handler).toHaveBeenCalledOnce();
  });

  it("keeps dead messages with the reason", async () => {
    const { source, publish } = memory();
    await receive(source)
      .on("q", "user.created", ({ attempt }) => {
        throw attempt === 1 ? retryAfter(0) : fatal(new Error("no luck"));
      })
      .start();
    const message = await publish("user.created");
    await settle();
    const reason = { code: "FATAL", message: "no luck", stack: expect.any(String) };
    expect(source.dead).toEqual([{ queue: "q", message, attempt: 2, reason }]);
  });

  it("keeps to maxWorkers and to the queue's concurrency", async () => {
    const { source, publish } = memory({ maxWorkers: 3 });
    const running: Record<string, number> = {};
    const most: Record<string, number> = {};
    const gate = deferred();
    const count: Handler = async ({ queue }) => {
      for (const name of [queue, "all"]) {
        running[name] = (running[name] ?? 0) + 1;
        most[name] = Math.max(most[name] ?? 0, running[name]);
      }
      await gate.promise;
      for (const name of [queue, "all"]) running[name] = (running[name] ?? 0) - 1;
    };
    await receive(source)
      .queue("one", { concurrency: 1 })
      .on("one", "user.*", count)
      .on("many", "user.*", count)
      .start();
    for (let i = 0; i < 5; i += 1) await publish("user.created");
    await settle();
    gate.resolve();
    await settle();
    expect(most).toEqual({ one: 1, many: 2, all: 3 });
    expect(running).toEqual({ one: 0, many: 0, all: 0 });
  });
});

describe("a stop of the memory source", () => {
  it("lets handlers finish, starts no more, and says what it did", async () => {
    const { source, publish } = memory({ maxWorkers: 1 });
    const gate = deferred();
    const handler = vi.fn(() => gate.promise);
    const stopped = receive(source).on("q", "user.created", handler);
    await stopped.start();
    await publish("user.created");
    await publish("user.created");
    await publish("user.created", { delayMs: 1_000 });
    await settle();
    const stop = stopped.stop({ deadlineMs: 60_000 });
    await publish("user.created");
    gate.resolve();
    expect(await stop).toEqual({ finished: 1, released: 1, aborted: 0 });
    expect(vi.getTimerCount()).toBe(0);
    await stopped.finished;
    expect(handler).toHaveBeenCalledOnce();
  });

  it("takes its listener off the log", async () => {
    const listeners = new Set<unknown>();
    const log: MemoryLog = {
      messages: [],
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const stopped = receive(memorySource(log)).on("q", "user.created", () => {});
    await stopped.start();
    expect(listeners.size).toBe(1);
    await stopped.stop();
    expect(listeners.size).toBe(0);
  });

  it("aborts what still runs at the deadline", async () => {
    const { source, publish } = memory();
    const signals: AbortSignal[] = [];
    const stopped = receive(source).on("q", "user.created", ({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    await stopped.start();
    await publish("user.created");
    await settle();
    const stop = stopped.stop({ deadlineMs: 5_000 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(signals[0]?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signals[0]?.aborted).toBe(true);
    expect(await stop).toEqual({ finished: 0, released: 0, aborted: 1 });
  });

  it("loses nothing: the next start goes on where it was", async () => {
    const { source, publish } = memory({ maxWorkers: 1 });
    const gate = deferred();
    const first = receive(source).on("q", "user.*", () => gate.promise);
    await first.start();
    const aborted = await publish("user.aborted");
    const released = await publish("user.released");
    const scheduled = await publish("user.scheduled", { delayMs: 60_000 });
    await settle();
    const stop = first.stop({ deadlineMs: 1_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    await stop;
    const missed = await publish("user.missed");
    gate.resolve();
    await settle();

    const seen: [string, number][] = [];
    await receive(source)
      .on("q", "user.*", ({ message, attempt }) => seen.push([message.id, attempt]))
      .start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual([
      [aborted.id, 2],
      [released.id, 1],
      [missed.id, 1],
      [scheduled.id, 1],
    ]);
  });

  it("parks what the next receiver has no handler for, until one has", async () => {
    const { source, publish } = memory();
    const all = receive(source).on("q", "user.*", () => {});
    await all.start();
    await all.stop();
    const some = receive(source).on("q", "user.created", () => {});
    await some.start();
    const message = await publish("user.deleted");
    await settle();
    expect(source.parked).toMatchObject([{ queue: "q", message }]);
    await some.stop();
    const attempts: number[] = [];
    await receive(source)
      .on("q", "user.deleted", ({ attempt }) => attempts.push(attempt))
      .start();
    await settle();
    expect(attempts).toEqual([1]);
    expect(source.parked).toEqual([]);
  });

  it("is needed before a second start", async () => {
    const { source } = memory();
    await receive(source)
      .on("q", "user.*", () => {})
      .start();
    const second = receive(source).on("q", "user.*", () => {});
    await expect(second.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
  });
});
