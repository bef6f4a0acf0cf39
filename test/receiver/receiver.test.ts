import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createMessage } from "../../src/message/create-message.js";
import { defineEvent } from "../../src/message/event.js";
import { StoredMessage } from "../../src/message/stored-message.js";
import type { HandlerContext } from "../../src/receiver/handler.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { deferred, idleSource, message, receiver, silent } from "./support.js";

const userCreated = defineEvent(
  "user.created",
  z.object({ id: z.string().transform((id) => Number(id)) }),
);
const nothing = () => {};

describe("routing", () => {
  it.each([
    ["user.created.v2", "exact"],
    ["user.created.v3", "user.created.*"],
    ["user.deleted", "user.*"],
    ["order.placed", "*"],
  ])("leads %s to %s", async (name, wanted) => {
    const calls: string[] = [];
    const log = (label: string) => () => calls.push(label);
    const router = receiver()
      .on("q", "*", log("*"))
      .on("q", "user.created.*", log("user.created.*"))
      .on("q", "user.*", log("user.*"))
      .on("q", "user.created.v2", log("exact"));
    expect(await router.deliver({ queue: "q", message: message(name) })).toEqual({ type: "done" });
    expect(calls).toEqual([wanted]);
  });

  it("keeps queues apart, and parks what has no handler", async () => {
    const handler = vi.fn();
    const router = receiver().on("a", "user.created", handler);
    expect(await router.deliver({ queue: "b", message: message() })).toEqual({ type: "parked" });
    expect(await router.deliver({ queue: "a", message: message("user.x") })).toEqual({
      type: "parked",
    });
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(["user.created", "user.*", "*"])("refuses a second handler for %s", (pattern) => {
    const router = receiver().on("q", pattern, nothing).on("other", pattern, nothing);
    expect(() => router.on("q", pattern, nothing)).toThrow(
      expect.objectContaining({ code: "DUPLICATE_HANDLER" }),
    );
  });

  it("knows its queues and what they handle", () => {
    const router = receiver()
      .on("a", "user.*", nothing)
      .on("a", userCreated, nothing)
      .on("b", "order.placed", nothing);
    expect(router.queuesWithHandlers()).toEqual(["a", "b"]);
    expect(router.messagesWithHandlers("a").sort()).toEqual(["user.*", "user.created"]);
    expect(router.messagesWithHandlers("c")).toEqual([]);
  });
});

describe("the handler's context", () => {
  it("holds the message, the queue, the attempt and the signal", async () => {
    const handler = vi.fn();
    const { signal } = new AbortController();
    const sent = message("user.created", { id: 7 });
    await receiver()
      .on("q", "user.created", handler)
      .deliver({ queue: "q", message: sent, attempt: 3, signal });
    expect(handler).toHaveBeenCalledWith({
      payload: { id: 7 },
      message: sent,
      queue: "q",
      attempt: 3,
      signal,
    });
  });

  it("holds the output of the event's schema, typed", async () => {
    const ids: number[] = [];
    const typed = receiver().on("q", userCreated, ({ payload }) => {
      // @ts-expect-error: the output is a number, not the input's string
      const id: string = payload.id;
      ids.push(payload.id);
      return id;
    });
    await typed.deliver({ queue: "q", message: userCreated({ id: "42" }) });
    expect(ids).toEqual([42]);
  });

  it("is unknown for a name", () => {
    receiver().on("q", "user.created", (context: HandlerContext) => {
      // @ts-expect-error: nobody has said what the payload is
      return context.payload.id;
    });
  });
});

describe("a payload that can't be read", () => {
  it("is dead at once if the event definition refuses it", async () => {
    const handler = vi.fn();
    const onError = vi.fn();
    const strict = receiver({ onError }).on("q", userCreated, handler);
    const outcome = await strict.deliver({ queue: "q", message: message("user.created", {}) });
    expect(outcome).toMatchObject({ type: "dead", reason: { code: "INVALID_PAYLOAD" } });
    expect(handler).not.toHaveBeenCalled();
    expect(onError).toHaveBeenCalledOnce();
  });

  it("is dead at once if it can't be decoded", async () => {
    const broken = new StoredMessage({
      ...{ id: message().id, name: "user.created", topic: "user", key: undefined },
      ...{ json: "{", headersJson: null, publishedAt: new Date(), deliverAt: null },
    });
    const handler = vi.fn();
    const outcome = await receiver()
      .on("q", "user.created", handler)
      .deliver({ queue: "q", message: broken });
    expect(outcome).toMatchObject({ type: "dead", reason: { code: "INVALID_PAYLOAD" } });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("set-up", () => {
  const invalid: [string, string, () => unknown][] = [
    ["a bad name", "INVALID_PATTERN", () => receiver().on("q", "user created", nothing)],
    ["a bad queue", "INVALID_NAME", () => receiver().on("my queue", "user.created", nothing)],
    ["a bad queue's options", "INVALID_NAME", () => receiver().queue("", {})],
    ["no concurrency", "INVALID_OPTIONS", () => receiver().queue("q", { concurrency: 0 })],
    ["a bad start", "INVALID_OPTIONS", () => receiver().queue("q", { startAt: new Date("x") })],
    ["options twice", "NOT_CONFIGURABLE", () => receiver().queue("q", {}).queue("q", {})],
    [
      "a bad timeout",
      "INVALID_OPTIONS",
      () => receiver().on("q", "user.created", nothing, { timeoutMs: -1 }),
    ],
    [
      "a bad topic",
      "INVALID_NAME",
      () => receiver().on("q", "user.created", nothing, { topic: "a b" }),
    ],
    [
      "an unknown option",
      "INVALID_OPTIONS",
      // @ts-expect-error: there is no such option
      () => receiver().on("q", "user.created", nothing, { timeout: 1 }),
    ],
    [
      "no function",
      "INVALID_OPTIONS",
      // @ts-expect-error: a handler is a function
      () => receiver().on("q", "user.created", undefined),
    ],
  ];
  it.each(invalid)("refuses %s", (_, code, act) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });

  it("gives subscriptions and queue options to the source", async () => {
    const { source, context } = idleSource();
    const started = new Receiver({ source, logger: silent })
      .queue("crm", { concurrency: 2, startAt: "earliest" })
      .on("crm", "user.*", nothing)
      .on("mail", userCreated, nothing)
      .on("mail", "order.placed", nothing, { topic: "sales" });
    await started.start();
    expect(context().subscriptions).toEqual([
      { queue: "crm", pattern: "user.*", topic: "user" },
      { queue: "mail", pattern: "user.created", topic: "user" },
      { queue: "mail", pattern: "order.placed", topic: "sales" },
    ]);
    expect([...context().queues]).toEqual([
      ["crm", { concurrency: 2, startAt: "earliest" }],
      ["mail", {}],
    ]);
    expect(context().sink.handles("crm", "user.deleted")).toBe(true);
    expect(context().sink.handles("mail", "user.deleted")).toBe(false);
  });

  it("warns of a queue that has options and no handler", async () => {
    const logger = { ...silent, warn: vi.fn() };
    await receiver({ logger }).queue("cmr", {}).on("crm", "user.created", nothing).start();
    expect(logger.warn).toHaveBeenCalledWith({ queue: "cmr" }, expect.any(String));
  });

  it("takes up middleware that is added after a handler", async () => {
    const late = vi.fn(async (_context, next) => next());
    const changed = receiver().on("q", "user.created", nothing);
    await changed.deliver({ queue: "q", message: message() });
    await changed.use(late).deliver({ queue: "q", message: message() });
    expect(late).toHaveBeenCalledOnce();
  });
});

describe("start and stop", () => {
  it("refuses to start without a handler", async () => {
    await expect(receiver().start()).rejects.toMatchObject({ code: "NO_HANDLERS" });
  });

  it("starts once, and takes no change after it", async () => {
    const started = receiver().on("q", "user.created", nothing);
    await started.start();
    const code = { code: "ALREADY_STARTED" };
    await expect(started.start()).rejects.toMatchObject(code);
    const refused = expect.objectContaining(code);
    expect(() => started.on("q", "user.deleted", nothing)).toThrow(refused);
    expect(() => started.queue("q", {})).toThrow(refused);
    expect(() => started.use()).toThrow(refused);
  });

  it("can be started again after the source failed to start", async () => {
    const { source } = idleSource();
    const start = vi.fn(source.start).mockRejectedValueOnce(new Error("no connection"));
    const retried = receiver({ source: { name: "flaky", start } }).on("q", "user.*", nothing);
    await expect(retried.start()).rejects.toThrow("no connection");
    await retried.start();
    await retried.stop();
    await expect(retried.finished).resolves.toBeUndefined();
  });

  it("stops once, however often it is told to", async () => {
    const { source, stops } = idleSource();
    const stopped = receiver({ source }).on("q", "user.created", nothing);
    await stopped.start();
    const report = { finished: 1, released: 2, aborted: 3 };
    const reports = await Promise.all([stopped.stop({ deadlineMs: 5 }), stopped.stop()]);
    expect([...reports, await stopped.stop()]).toEqual([report, report, report]);
    expect(stops).toEqual([5]);
    await expect(stopped.finished).resolves.toBeUndefined();
  });

  it("gives the source 10 seconds unless told otherwise", async () => {
    const { source, stops } = idleSource();
    const stopped = receiver({ source }).on("q", "user.created", nothing);
    await stopped.start();
    await stopped.stop();
    expect(stops).toEqual([10_000]);
  });

  it("stops a source that is still starting", async () => {
    const { source, stops } = idleSource();
    const gate = deferred();
    const slow = { name: "slow", start: (c: never) => gate.promise.then(() => source.start(c)) };
    const starting = receiver({ source: slow }).on("q", "user.created", nothing);
    const start = starting.start();
    const stop = starting.stop();
    gate.resolve();
    await Promise.all([start, stop]);
    expect(stops).toEqual([10_000]);
  });

  it("can be stopped without a start, and not be started then", async () => {
    const unused = receiver().on("q", "user.created", nothing);
    expect(await unused.stop()).toEqual({ finished: 0, released: 0, aborted: 0 });
    await unused.finished;
    await expect(unused.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
  });

  it("rejects finished, and tells onError, when the source can't go on", async () => {
    const { source, fail } = idleSource();
    const onError = vi.fn();
    const failing = receiver({ source, onError }).on("q", "user.created", nothing);
    await failing.start();
    const error = new Error("gone");
    fail(error);
    await expect(failing.finished).rejects.toBe(error);
    expect(onError).toHaveBeenCalledWith(error, undefined);
  });

  it("releases what comes after its signal was aborted", async () => {
    const handler = vi.fn();
    const outcome = await receiver()
      .on("q", "user.created", handler)
      .deliver({
        queue: "q",
        message: createMessage("user.created", 1),
        signal: AbortSignal.abort(),
      });
    expect(outcome).toEqual({ type: "released" });
    expect(handler).not.toHaveBeenCalled();
  });
});
