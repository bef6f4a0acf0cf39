import { afterEach, describe, expect, it } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { retryAfter } from "../../src/receiver/failure.js";
import { constantBackoff } from "../../src/receiver/middleware/backoff.js";
import type { RelayOptions } from "../../src/relay/options.js";
import { type Relay, relay } from "../../src/relay/relay.js";
import { memorySource } from "../../src/source/memory.js";
import type { DeadDelivery } from "../../src/source/source.js";
import { drain } from "../../src/testing/drain.js";
import { until } from "../postgres/support.js";
import { deferred, silent } from "../receiver/support.js";
import { numbered, numbersOf, permanent, quick, refusing, scripted } from "./support.js";

const { signal } = new AbortController();
const running: Relay[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop({ deadlineMs: 0 })));
});

/** A relay of an outbox in memory that holds these messages. */
async function relaying(
  messages: readonly Message[],
  to: RelayOptions["to"],
  options: Partial<RelayOptions> = {},
) {
  const log = memoryDestination();
  await log.deliver(messages, { signal });
  const source = memorySource(log);
  const start = async () => {
    const started = await relay({ ...quick, from: source, to, ...options });
    running.push(started);
    return started;
  };
  return { log, source, start, relay: await start() };
}

describe("a relay", () => {
  it("hands messages on as they are, in batches", async () => {
    const message = createMessage("order.changed", [1], { key: "k", headers: { trace: "t" } });
    const to = scripted();
    const { source } = await relaying([message, ...numbered(499)], to);
    await drain(source);
    expect(to.arrived).toHaveLength(500);
    expect(to.arrived[0]?.toJSON()).toEqual(message.toJSON());
    expect(to.calls.length).toBeLessThan(10);
  });

  it("makes no call larger than the destination takes", async () => {
    const to = scripted(undefined, { ordered: true, maxBatch: 7 });
    const { source } = await relaying(numbered(100), to);
    await drain(source);
    expect(new Set(numbersOf(to.arrived)).size).toBe(100);
    expect(Math.max(...to.calls.map(({ length }) => length))).toBe(7);
  });

  it("relays the names that it was given, and no others", async () => {
    const to = scripted();
    const messages = ["order.paid", "order.lost", "user.new"].map((name) => createMessage(name, 1));
    const { source } = await relaying(messages, to, { names: ["order.paid", "user.*"] });
    await drain(source);
    expect(to.arrived.map(({ name }) => name)).toEqual(["order.paid", "user.new"]);
  });

  it("puts one message of a key in a call if the destination does not keep their order", async () => {
    const to = scripted(undefined, { ordered: false });
    const { source } = await relaying(numbered(20, 2), to);
    await drain(source);
    expect(to.arrived).toHaveLength(20);
    for (const call of to.calls) expect(new Set(call.map(({ key }) => key)).size).toBe(call.length);
  });

  it("says how far it is behind", async () => {
    const { promise, resolve } = deferred<undefined>();
    const to = scripted(() => promise);
    const { relay: one, source } = await relaying(numbered(3), to);
    await until(() => expect(to.calls).toHaveLength(1));
    await until(() => expect(one.stats().lagMs).toBeGreaterThan(20));
    expect(one.stats()).toMatchObject({ held: 3, relayed: 0, dead: 0, breaker: "closed" });
    resolve(undefined);
    await drain(source);
    expect(one.stats()).toMatchObject({ held: 0, relayed: 3, lagMs: 0 });
    expect(one.stats().perSecond).toBeGreaterThan(0);
  });

  it.each([
    [{ names: [] }, "INVALID_OPTIONS"],
    [{ names: ["a b"] }, "INVALID_PATTERN"],
    [{ queue: "a b" }, "INVALID_NAME"],
    [{ from: undefined }, "INVALID_OPTIONS"],
    [{ to: { name: "x" } }, "INVALID_OPTIONS"],
    [{ limit: 0 }, "INVALID_OPTIONS"],
    [{ breaker: { failures: 0 } }, "INVALID_OPTIONS"],
    [{ orderd: true }, "INVALID_OPTIONS"],
  ])("refuses %j", async (wrong, code) => {
    const options = { ...quick, from: memorySource(memoryDestination()), to: scripted(), ...wrong };
    await expect(relay(options as RelayOptions)).rejects.toMatchObject({ code });
  });
});

describe("a message that is refused", () => {
  it("is dead at once if it is for good, and others pass", async () => {
    const dead: DeadDelivery[] = [];
    const to = scripted(refusing(({ payload }) => payload === 3 && permanent()));
    const onDead = (one: DeadDelivery) => dead.push(one);
    const { source, relay: one } = await relaying(numbered(6, 1), to, { onDead });
    await drain(source);
    expect(numbersOf(to.arrived)).toEqual([0, 1, 2, 4, 5]);
    expect(dead).toMatchObject([
      { attempt: 1, reason: { code: "FATAL", message: "no such address" } },
    ]);
    expect(one.stats()).toMatchObject({ dead: 1, relayed: 5 });
  });

  it("is dead after its last attempt, while others are accepted", async () => {
    const to = scripted(refusing(({ payload }) => payload === 3 && new Error("not now")));
    const { source, log } = await relaying(numbered(6), to, { limit: 3 });
    await until(async () => {
      await log.deliver(numbered(1), { signal });
      expect(source.dead).toMatchObject([{ attempt: 3, reason: { code: "RETRIES_EXHAUSTED" } }]);
    });
    expect(numbersOf(to.arrived).slice(0, 5)).toEqual([0, 1, 2, 4, 5]);
  });

  it("comes again when its error says", async () => {
    let refused = 0;
    const error = Object.assign(new Error("busy"), { retryAfterMs: 30 });
    const to = scripted(
      refusing(({ payload }) => {
        if (payload !== 1 || refused > 0) return undefined;
        refused = performance.now();
        return error;
      }),
    );
    const backoff = constantBackoff(0);
    const { source } = await relaying(numbered(2), to, { backoff });
    await drain(source);
    expect(performance.now() - refused).toBeGreaterThan(25);
    expect(to.arrived).toHaveLength(2);
  });

  it("is dead in the end if it makes calls fail, and others pass", async () => {
    const to = scripted((batch) => {
      if (batch.some(({ payload }) => payload === 50)) throw new Error("can't be encoded");
      return undefined;
    });
    const { source, log } = await relaying(numbered(200, 3), to, { limit: 2 });
    await until(async () => {
      await log.deliver([createMessage("order.changed", 1_000)], { signal });
      expect(source.dead.map(({ message }) => message.payload)).toEqual([50]);
    });
    await until(() =>
      expect(new Set(numbersOf(to.arrived).filter((n) => n < 1_000)).size).toBe(199),
    );
  });

  it("holds those of its key, and no others", async () => {
    let refusals = 0;
    const to = scripted(
      refusing(({ payload }) => {
        if (payload !== 0 || refusals === 5) return undefined;
        refusals += 1;
        return retryAfter(5, new Error("not yet"));
      }),
    );
    const { source } = await relaying(numbered(10, 2), to);
    await drain(source);
    const arrived = numbersOf(to.arrived);
    expect(arrived.filter((n) => n % 2 === 0)).toEqual([0, 2, 4, 6, 8]);
    expect(arrived.slice(0, 5)).toEqual([1, 3, 5, 7, 9]);
  });
});

describe("a destination that is down", () => {
  it("makes no message use up its attempts, and gets all of them when it is up", async () => {
    let isDown = true;
    const errors: unknown[] = [];
    const to = scripted(() => {
      if (isDown) throw new Error("connection refused");
      return undefined;
    });
    const { source, relay: one } = await relaying(numbered(100), to, {
      limit: 1,
      onError: (error) => errors.push(error),
    });
    await until(() => expect(to.calls.length).toBeGreaterThan(30));
    expect(one.stats().held).toBe(100);
    isDown = false;
    await drain(source);
    expect(source.dead).toEqual([]);
    expect(new Set(numbersOf(to.arrived)).size).toBe(100);
    expect(errors).toContainEqual(new Error("connection refused"));
  });

  it("opens the breaker after so many failures, is tried with single messages, and closes it", async () => {
    let isDown = true;
    const errors: unknown[] = [];
    const states: string[] = [];
    const warnings: string[] = [];
    const to = scripted(() => {
      states.push(one.stats().breaker);
      if (isDown) throw new Error("connection refused");
      return undefined;
    });
    const logger = { ...silent, warn: (_: object, text: string) => warnings.push(text) };
    const onError = (error: unknown) => errors.push(error);
    const { source, relay: one } = await relaying(numbered(100), to, { onError, logger });
    await until(() => expect(to.calls.length).toBeGreaterThan(6));
    expect(states.slice(0, 5)).toEqual(["closed", "closed", "closed", "half-open", "half-open"]);
    expect(to.calls.slice(0, 5).map(({ length }) => length)).toEqual([100, 25, 6, 1, 1]);
    const code = "DESTINATION_DOWN";
    expect(errors.filter((error) => (error as { code?: string }).code === code)).toHaveLength(1);
    isDown = false;
    await drain(source);
    expect(one.stats().breaker).toBe("closed");
    expect(warnings).toContain("the destination is up again");
  });

  it("is one that refuses every message, too, or that does not answer in time", async () => {
    let refusals = 0;
    const to = scripted(async (batch) => {
      refusals += 1;
      if (refusals === 1) await new Promise(() => {});
      return refusals < 9 ? refusing(() => new Error("no leader"))(batch) : undefined;
    });
    const { source } = await relaying(numbered(10), to, { limit: 1, timeoutMs: 20 });
    await drain(source);
    expect(source.dead).toEqual([]);
    expect(new Set(numbersOf(to.arrived)).size).toBe(10);
  });

  it("is waited for as long as it asks", async () => {
    let failedAt = 0;
    const to = scripted(() => {
      if (failedAt > 0) return undefined;
      failedAt = performance.now();
      throw Object.assign(new Error("busy"), { retryAfterMs: 30 });
    });
    const { source } = await relaying(numbered(1), to);
    await drain(source);
    expect(performance.now() - failedAt).toBeGreaterThan(25);
  });
});

describe("a stop", () => {
  it("sends what is held", async () => {
    const to = scripted();
    const { relay: one } = await relaying(numbered(50), to);
    await until(() => expect(one.stats().held + to.arrived.length).toBe(50));
    expect(await one.stop()).toMatchObject({ released: 0, aborted: 0 });
    expect(to.arrived).toHaveLength(50);
  });

  it("gives everything back at once while the destination is down", async () => {
    let isDown = true;
    const to = scripted(() => {
      if (isDown) throw new Error("connection refused");
      return undefined;
    });
    const breaker = { backoff: constantBackoff(3_600_000) };
    const { relay: one, start, source } = await relaying(numbered(50), to, { breaker });
    await until(() => expect(to.calls).toHaveLength(1));
    expect(await one.stop({ deadlineMs: 3_600_000 })).toEqual({
      finished: 0,
      released: 50,
      aborted: 0,
    });
    isDown = false;
    await start();
    await drain(source);
    expect(numbersOf(to.arrived)).toEqual(numbersOf(numbered(50)));
  });

  it("aborts a call that hangs at its deadline; what was in it comes again", async () => {
    let signalled: AbortSignal | undefined;
    const to = scripted(async (_, options) => {
      if (signalled) return undefined;
      signalled = options.signal;
      return new Promise<never>(() => {});
    });
    const { relay: one, start, source } = await relaying(numbered(5), to);
    await until(() => expect(signalled).toBeDefined());
    expect(await one.stop({ deadlineMs: 10 })).toMatchObject({ aborted: 5 });
    expect(signalled?.aborted).toBe(true);
    await one.finished;
    await start();
    await drain(source);
    expect(to.arrived).toHaveLength(5);
  });

  it("is made once", async () => {
    const { relay: one } = await relaying([], scripted());
    expect(one.stop()).toBe(one.stop({ deadlineMs: 1 }));
  });
});
