import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import type { Middleware } from "../../src/receiver/handler.js";
import {
  constantBackoff,
  exponentialBackoff,
  linearBackoff,
  withBackoff,
} from "../../src/receiver/middleware/backoff.js";
import { withLimit } from "../../src/receiver/middleware/limit.js";
import { withTimeout } from "../../src/receiver/middleware/timeout.js";
import { deferred, message, outcomeOf, receiver } from "./support.js";

const seconds = (backoff: (attempt: number) => number, attempts: number) =>
  Array.from({ length: attempts }, (_, i) => Math.round(backoff(i + 1) / 1_000));

describe("the onion", () => {
  it("runs in the order of use, then the handler's own, and back", async () => {
    const order: string[] = [];
    const layer = (name: string): Middleware =>
      async function traced(_context, next) {
        order.push(`${name}>`);
        await next();
        order.push(`<${name}`);
      };
    await receiver()
      .use(layer("a"), layer("b"))
      .on("q", "user.created", () => order.push("handler"), { middleware: [layer("c")] })
      .use(layer("d"))
      .deliver({ queue: "q", message: message() });
    expect(order.join(" ")).toBe("a> b> d> c> handler <c <d <b <a");
  });

  it("hands a changed context inwards", async () => {
    const handler = vi.fn();
    const change: Middleware = (context, next) => next({ ...context, payload: "changed" });
    const keep: Middleware = (_context, next) => next();
    await receiver()
      .use(change, keep)
      .on("q", "user.created", handler)
      .deliver({ queue: "q", message: message() });
    expect(handler).toHaveBeenCalledWith(expect.objectContaining({ payload: "changed" }));
  });

  it("lets middleware swallow an error, or end the delivery itself", async () => {
    const handler = vi.fn();
    const skip: Middleware = async () => {};
    const skipping = receiver().use(skip).on("q", "user.created", handler);
    expect(await skipping.deliver({ queue: "q", message: message() })).toEqual({ type: "done" });
    expect(handler).not.toHaveBeenCalled();
    const swallow: Middleware = (_context, next) => next().catch(() => {});
    expect(await outcomeOf(new Error("x"), 1, swallow)).toEqual({ type: "done" });
  });

  it("turns what middleware throws into an outcome", async () => {
    const broken: Middleware = () => {
      throw new Error("broken");
    };
    const outcome = await receiver()
      .use(broken)
      .on("q", "user.created", () => {})
      .deliver({ queue: "q", message: message() });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "broken" } });
  });
});

describe("backoffs", () => {
  it("constant", () => {
    expect(seconds(constantBackoff(5_000), 3)).toEqual([5, 5, 5]);
  });

  it("linear", () => {
    const backoff = linearBackoff({ initialMs: 5_000, stepMs: 2_000, maxMs: 15_000 });
    expect(seconds(backoff, 7)).toEqual([5, 7, 9, 11, 13, 15, 15]);
  });

  it("exponential, as elsewhere", () => {
    const steep = { initialMs: 5_000, scaleMs: 2_000, rate: 2, maxMs: 10_000_000 };
    expect(seconds(exponentialBackoff(steep), 6)).toEqual([5, 18, 112, 810, 5_965, 10_000]);
    const other = { initialMs: 30_000, scaleMs: 10_000, rate: 2, maxMs: 1_800_000 };
    expect(seconds(exponentialBackoff(other), 4)).toEqual([30, 94, 566, 1_800]);
  });

  it("exponential, doubling unless told otherwise, to the millisecond", () => {
    const backoff = exponentialBackoff({ initialMs: 500, maxMs: 60_000 });
    const times = [1, 2, 3, 4, 7, 8, 9, 2_000].map(backoff);
    expect(times).toEqual([500, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("stays a number when the exponential overflows", () => {
    const flat = exponentialBackoff({ initialMs: 500, scaleMs: 0, maxMs: 60_000 });
    expect(flat(5_000)).toBe(500);
  });

  it("takes off up to the share of jitter", () => {
    const random = vi.spyOn(Math, "random");
    const backoff = constantBackoff(1_000, { jitter: 0.5 });
    random.mockReturnValue(0);
    expect(backoff(1)).toBe(1_000);
    random.mockReturnValue(0.999_999);
    expect(backoff(1)).toBe(500);
    random.mockRestore();
  });

  it.each([
    () => constantBackoff(-1),
    () => constantBackoff(1, { jitter: 2 }),
    () => linearBackoff({ initialMs: 1, stepMs: Number.NaN, maxMs: 1 }),
    () => exponentialBackoff({ initialMs: 1, maxMs: Number.POSITIVE_INFINITY }),
    () => withLimit(0),
    () => withLimit(1.5),
    () => withTimeout(-1),
  ])("refuse what makes no sense: %s", (make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  });
});

describe("withBackoff", () => {
  const backoff = withBackoff(linearBackoff({ initialMs: 100, stepMs: 10, maxMs: 1_000 }));

  it("gives a plain error its time", async () => {
    expect(await outcomeOf(new Error("x"), 3, backoff)).toMatchObject({
      type: "retry",
      afterMs: 120,
      reason: { code: "HANDLER_FAILED", message: "x" },
    });
  });

  it("is beaten by the handler's own time, and by a fatal error", async () => {
    expect(await outcomeOf(retryAfter(7), 1, backoff)).toMatchObject({ afterMs: 7 });
    expect(await outcomeOf(fatal("x"), 1, backoff)).toMatchObject({ type: "dead" });
  });

  it("passes a fatal error on as it is", async () => {
    const error = fatal("x");
    const seen: unknown[] = [];
    const spy: Middleware = (_context, next) => next().catch((thrown) => void seen.push(thrown));
    await outcomeOf(error, 1, spy, backoff);
    expect(seen[0]).toBe(error);
  });

  it("leaves the default limit in force", async () => {
    expect(await outcomeOf(new Error("x"), 20, backoff)).toMatchObject({ type: "dead" });
  });

  it("of one handler beats that of the receiver", async () => {
    const outcome = await receiver()
      .use(backoff)
      .on("q", "user.created", () => Promise.reject(new Error("x")), {
        middleware: [withBackoff(constantBackoff(1))],
      })
      .deliver({ queue: "q", message: message() });
    expect(outcome).toMatchObject({ afterMs: 1 });
  });
});

describe("withLimit", () => {
  const backoff = withBackoff(constantBackoff(100));

  it.each([
    ["inside a backoff", [backoff, withLimit(3)]],
    ["outside a backoff", [withLimit(3), backoff]],
  ])("gives up at the last attempt, %s", async (_, middleware) => {
    expect(await outcomeOf(new Error("x"), 2, ...middleware)).toMatchObject({ afterMs: 100 });
    expect(await outcomeOf(new Error("no luck"), 3, ...middleware)).toMatchObject({
      type: "dead",
      reason: {
        code: "RETRIES_EXHAUSTED",
        message: "Failed at attempt 3 of 3, the last one: no luck",
      },
    });
    expect(await outcomeOf(retryAfter(5), 3, ...middleware)).toMatchObject({ type: "dead" });
  });

  it("lets a fatal error pass as it is", async () => {
    expect(await outcomeOf(fatal("x"), 3, withLimit(3))).toMatchObject({
      reason: { code: "FATAL" },
    });
  });

  it("replaces the default limit, and not the default backoff", async () => {
    const outcome = await outcomeOf(new Error("x"), 25, withLimit(50));
    expect(outcome).toMatchObject({ type: "retry" });
    expect((outcome as { afterMs: number }).afterMs).toBeGreaterThan(2_800_000);
  });

  it("replaces it for the handler that has it, and no other", async () => {
    const failing = () => Promise.reject(new Error("x"));
    const mixed = receiver()
      .on("q", "user.created", failing, { middleware: [withLimit(50)] })
      .on("q", "user.deleted", failing);
    const attempt = { queue: "q", attempt: 20 };
    expect(await mixed.deliver({ ...attempt, message: message() })).toMatchObject({
      type: "retry",
    });
    expect(await mixed.deliver({ ...attempt, message: message("user.deleted") })).toMatchObject({
      type: "dead",
    });
  });
});

describe("withTimeout", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function delivered(handler: (signal: AbortSignal) => unknown, signal?: AbortSignal) {
    return receiver()
      .on("q", "user.created", (context) => handler(context.signal), { timeoutMs: 1_000 })
      .deliver({ queue: "q", message: message(), ...(signal && { signal }) });
  }

  it("fails a handler that ignores the signal", async () => {
    const outcome = delivered(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toMatchObject({ type: "retry", reason: { code: "HANDLER_TIMEOUT" } });
  });

  it("aborts the signal, and reports the timeout rather than what follows from it", async () => {
    const aborted = vi.fn();
    const outcome = delivered(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted(signal.reason);
            reject(new Error("aborted"));
          });
        }),
    );
    await vi.advanceTimersByTimeAsync(999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ reason: { code: "HANDLER_TIMEOUT" } });
    expect(aborted).toHaveBeenCalledWith(expect.objectContaining({ code: "HANDLER_TIMEOUT" }));
  });

  it("leaves no timer behind, and no signal aborted", async () => {
    let seen: AbortSignal | undefined;
    const outcome = await delivered((signal) => {
      seen = signal;
    });
    expect(outcome).toEqual({ type: "done" });
    expect(vi.getTimerCount()).toBe(0);
    expect(seen?.aborted).toBe(false);
  });

  it("passes on the abort of the delivery", async () => {
    const outer = new AbortController();
    const started = deferred<AbortSignal>();
    const outcome = delivered((signal) => {
      started.resolve(signal);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    }, outer.signal);
    const signal = await started.promise;
    const reason = new Error("the lease is lost");
    outer.abort(reason);
    expect(signal.reason).toBe(reason);
    expect(await outcome).toMatchObject({ reason: { message: "the lease is lost" } });
  });

  it("sees an abort that came before it", async () => {
    const outer = new AbortController();
    const abort: Middleware = (_context, next) => {
      outer.abort();
      return next();
    };
    const aborted: boolean[] = [];
    await receiver()
      .use(abort)
      .on("q", "user.created", ({ signal }) => aborted.push(signal.aborted), { timeoutMs: 1_000 })
      .deliver({ queue: "q", message: message(), signal: outer.signal });
    expect(aborted).toEqual([true]);
  });

  it("can be longer than a timer", async () => {
    const month = 31 * 24 * 3_600_000;
    const outcome = receiver()
      .use(withTimeout(month))
      .on("q", "user.created", () => new Promise(() => {}))
      .deliver({ queue: "q", message: message() });
    const settled = vi.fn();
    outcome.then(settled);
    await vi.advanceTimersByTimeAsync(month - 1);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledOnce();
  });
});
