import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { fatal, isFatal, retryAfter } from "../../src/receiver/failure.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { memorySource } from "../../src/source/memory.js";
import { deferred, idleSource, message, outcomeOf, receiver, silent } from "./support.js";

const hour = 3_600_000;
const hostile = new Proxy(new Error("x"), {
  get() {
    throw new Error("no properties for you");
  },
  getPrototypeOf() {
    throw new Error("nor a prototype");
  },
});

describe("what a handler throws", () => {
  const plain: [string, unknown, object][] = [
    ["an error", new Error("no luck"), { code: "HANDLER_FAILED", message: "no luck" }],
    ["an error with a code", Object.assign(new Error("x"), { code: "23505" }), { code: "23505" }],
    [
      "an error with a number",
      Object.assign(new Error("x"), { code: 5 }),
      { code: "HANDLER_FAILED" },
    ],
    ["an error without text", new TypeError(), { message: "TypeError" }],
    ["a frozen object", Object.freeze({ secret: 1 }), { code: "HANDLER_FAILED" }],
    ["a string", "no luck", { message: "no luck" }],
    ["null", null, { message: "A value of type null was thrown, not an Error." }],
    ["undefined", undefined, { code: "HANDLER_FAILED" }],
    ["a symbol", Symbol("s"), { code: "HANDLER_FAILED" }],
    ["an object without prototype", Object.create(null), { code: "HANDLER_FAILED" }],
  ];
  it.each(plain)("is retried: %s", async (_, thrown, reason) => {
    expect(await outcomeOf(thrown, 1)).toMatchObject({ type: "retry", reason });
  });

  it("is dead if it can't even be looked at", async () => {
    expect(await outcomeOf(hostile, 1)).toMatchObject({
      type: "dead",
      reason: { code: "HANDLER_FAILED" },
    });
  });

  it("is the same from an async handler", async () => {
    const outcome = await receiver()
      .on("q", "user.created", async () => {
        throw new Error("later");
      })
      .deliver({ queue: "q", message: message() });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "later" } });
  });

  it("keeps the stack of the error itself", async () => {
    const error = new Error("inner");
    const outcome = await outcomeOf(fatal(error), 1);
    expect(outcome).toMatchObject({ reason: { stack: error.stack } });
  });
});

describe("the defaults", () => {
  it("double from a second to an hour, a fifth taken off at random", async () => {
    for (const [attempt, ms] of [
      [1, 1_000],
      [2, 2_000],
      [5, 16_000],
      [13, hour],
      [19, hour],
    ] as const) {
      const outcome = await outcomeOf(new Error("x"), attempt);
      const { afterMs } = outcome as { afterMs: number };
      expect(afterMs).toBeLessThanOrEqual(ms);
      expect(afterMs).toBeGreaterThanOrEqual(ms * 0.8 - 1);
    }
  });

  it("give up at the twentieth attempt", async () => {
    expect(await outcomeOf(new Error("x"), 19)).toMatchObject({ type: "retry" });
    expect(await outcomeOf(new Error("x"), 20)).toMatchObject({
      type: "dead",
      reason: { code: "RETRIES_EXHAUSTED" },
    });
    expect(await outcomeOf(retryAfter(5), 20)).toMatchObject({ type: "dead" });
  });
});

describe("fatal", () => {
  it("is dead at once, with the cause", async () => {
    const cause = new Error("card declined");
    const error = fatal(cause);
    expect(error.cause).toBe(cause);
    expect(await outcomeOf(error, 1)).toMatchObject({
      type: "dead",
      reason: { code: "FATAL", message: "card declined" },
    });
  });

  it("is found in the chain of causes, and beats a retry", async () => {
    const inner = fatal(new Error("x"));
    expect(isFatal(new Error("wrapped", { cause: inner }))).toBe(true);
    expect(isFatal(new Error("plain"))).toBe(false);
    expect(await outcomeOf(retryAfter(5, inner), 1)).toMatchObject({ type: "dead" });
  });

  it("survives causes that go round in a circle", () => {
    const a = new Error("a");
    a.cause = new Error("b", { cause: a });
    expect(isFatal(a)).toBe(false);
  });
});

describe("retryAfter", () => {
  it("chooses the time, and reports the error it carries", async () => {
    expect(await outcomeOf(retryAfter(1_234, new Error("busy")), 1)).toMatchObject({
      type: "retry",
      afterMs: 1_234,
      reason: { code: "HANDLER_FAILED", message: "busy" },
    });
    expect(await outcomeOf(retryAfter(0), 1)).toMatchObject({
      type: "retry",
      afterMs: 0,
      reason: { code: "RETRY_AFTER" },
    });
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s ms", (ms) => {
    expect(() => retryAfter(ms)).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  });
});

describe("reporting", () => {
  function reporting(thrown: unknown, options: Parameters<typeof receiver>[0]) {
    return receiver(options).on("q", "user.created", () => {
      throw thrown;
    });
  }

  it("tells onError of every failed attempt", async () => {
    const onError = vi.fn();
    const error = new Error("x");
    const sent = message();
    const told = { queue: "q", messageId: sent.id, name: "user.created" };
    await reporting(error, { onError }).deliver({ queue: "q", message: sent, attempt: 3 });
    expect(onError).toHaveBeenCalledWith(error, { ...told, attempt: 3, outcome: "retry" });
    await reporting(error, { onError }).deliver({ queue: "q", message: sent, attempt: 20 });
    expect(onError).toHaveBeenLastCalledWith(
      expect.objectContaining({ code: "RETRIES_EXHAUSTED", cause: error }),
      { ...told, attempt: 20, outcome: "dead" },
    );
  });

  it("logs without the payload", async () => {
    const lines: unknown[] = [];
    const write = (fields: object, text: string) => lines.push([fields, text]);
    const logger = { debug: write, info: write, warn: write, error: write };
    const payload = { password: "hunter2" };
    const secret = message("user.created", payload);
    await reporting(payload, { logger }).deliver({ queue: "q", message: secret });
    await reporting(fatal(payload), { logger }).deliver({ queue: "q", message: secret });
    expect(lines).toHaveLength(2);
    const text = inspect(lines, { depth: null, showHidden: true });
    expect(text).toContain(secret.id);
    expect(text).not.toContain("hunter2");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("onError is broken");
      },
    ],
    ["rejects", () => Promise.reject(new Error("onError is broken"))],
  ])("contains an onError that %s, and logs it", async (_, onError) => {
    const logged = deferred<unknown>();
    const logger = {
      ...silent,
      error: (fields: object) => logged.resolve((fields as { err: unknown }).err),
    };
    const outcome = await reporting(new Error("x"), { onError, logger }).deliver({
      queue: "q",
      message: message(),
    });
    expect(outcome).toMatchObject({ type: "retry" });
    expect(await logged.promise).toMatchObject({ message: "onError is broken" });
  });

  it("contains an onDead that throws, and logs it", async () => {
    const logged: object[] = [];
    const onDead = () => Promise.reject(new Error("onDead is broken"));
    const log = memoryDestination();
    const source = memorySource(log);
    const logger = { ...silent, error: (fields: object) => logged.push(fields) };
    const broken = new Receiver({ source, onDead, logger });
    await broken
      .on("q", "user.created", () => {
        throw fatal(new Error("x"));
      })
      .start();
    const { signal } = new AbortController();
    await log.deliver([message(), message()], { signal });
    await vi.waitFor(() => expect(source.dead).toHaveLength(2));
    await broken.stop();
    const errors = logged.flatMap((fields) => ("err" in fields ? [fields.err] : []));
    expect(errors.map(String)).toEqual(Array(2).fill("Error: onDead is broken"));
  });

  it("contains a logger that throws", async () => {
    const fallback = vi.spyOn(console, "error").mockImplementation(() => {});
    const onError = vi.fn();
    const broken = () => {
      throw new Error("disk full");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    const outcome = await reporting(new Error("x"), { onError, logger }).deliver({
      queue: "q",
      message: message(),
    });
    expect(outcome).toMatchObject({ type: "retry" });
    expect(onError).toHaveBeenCalledOnce();
    expect(fallback).toHaveBeenCalledOnce();
    fallback.mockRestore();
  });

  it("tells onError of errors of the source", async () => {
    const { source, context } = idleSource();
    const onError = vi.fn();
    const started = receiver({ source, onError }).on("q", "user.created", () => {});
    await started.start();
    context().onError("lost the connection");
    expect(onError).toHaveBeenCalledWith("lost the connection", undefined);
  });

  it("goes to the console when there is no logger", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { source } = idleSource();
    await new Receiver({ source })
      .on("q", "user.created", () => Promise.reject(new Error("x")))
      .deliver({ queue: "q", message: message() });
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});
