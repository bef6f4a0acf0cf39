import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { constantBackoff } from "../../src/receiver/middleware/backoff.js";
import type { Supervisable } from "../../src/receiver/supervised.js";
import { Supervisor, type SupervisorOptions } from "../../src/receiver/supervisor.js";
import { until } from "../postgres/support.js";
import { deferred, idleSource, receiver, silent } from "./support.js";

const quick = { backoff: constantBackoff(1), logger: silent };

/** Makes receivers, and lets the newest one fail. */
function made(name = "a", order: string[] = []) {
  const sources: ReturnType<typeof idleSource>[] = [];
  return {
    sources,
    make: () => {
      const idle = idleSource();
      sources.push(idle);
      const inner = idle.source;
      const source = {
        ...inner,
        start: async (context: Parameters<typeof inner.start>[0]) => {
          const running = await inner.start(context);
          return {
            ...running,
            stop: (options: { deadlineMs: number }) => {
              order.push(name);
              return running.stop(options);
            },
          };
        },
      };
      return receiver({ source, onError: () => {} }).on("q", "user.*", () => {});
    },
    fail: (error: unknown) => sources.at(-1)?.fail(error),
  };
}

describe("a supervisor", () => {
  it("makes a member anew that has failed, and leaves the others alone", async () => {
    const [one, other] = [made(), made()];
    const told: unknown[] = [];
    const supervisor = new Supervisor(
      { one: one.make, other: other.make },
      { ...quick, onError: (error, member) => told.push([member, error]) },
    );
    await supervisor.start();
    for (const times of [2, 3, 4]) {
      one.fail(new Error("cut off"));
      await until(() => expect(one.sources).toHaveLength(times));
      await until(() => expect(one.sources.at(-1)?.context()).toBeDefined());
    }
    expect(one.sources.slice(0, 3).map(({ stops }) => stops)).toEqual([[0], [0], [0]]);
    expect(other.sources).toHaveLength(1);
    expect(other.sources[0]?.stops).toEqual([]);
    expect(told).toEqual(Array(3).fill(["one", new Error("cut off")]));
    await supervisor.stop();
    await supervisor.finished;
  });

  it("tries again what can't be started, with the failures in a row", async () => {
    const failures: number[] = [];
    let left = 3;
    const { make } = made();
    const backoff = (failure: number) => failures.push(failure);
    const refuse = () => {
      left -= 1;
      if (left >= 0) throw new Error("no server");
      return make();
    };
    const supervisor = new Supervisor({ a: refuse }, { ...quick, backoff });
    await supervisor.start();
    expect(failures).toEqual([1, 2, 3]);
    await supervisor.stop();
  });

  it("stops all for the first failure, if told so", async () => {
    const [one, other] = [made(), made()];
    const supervisor = new Supervisor(
      { one: one.make, other: other.make },
      { ...quick, onFailure: "stop" },
    );
    await supervisor.start();
    one.fail(new Error("cut off"));
    await expect(supervisor.finished).rejects.toThrow("cut off");
    expect(other.sources[0]?.stops).toHaveLength(1);
    expect(one.sources).toHaveLength(1);
  });

  it("does not start, if told to stop for the first failure", async () => {
    const other = made();
    const refuse = () => Promise.reject(new Error("no server"));
    const supervisor = new Supervisor(
      { refuse, other: other.make },
      { ...quick, onFailure: "stop" },
    );
    await expect(supervisor.start()).rejects.toThrow("no server");
    await until(() => expect(other.sources[0]?.stops).toHaveLength(1));
  });

  it("stops the last one first, and adds up what they report", async () => {
    const order: string[] = [];
    const members = {
      a: made("a", order).make,
      b: made("b", order).make,
      c: made("c", order).make,
    };
    const supervisor = new Supervisor(members, quick);
    await supervisor.start();
    const stopping = supervisor.stop({ deadlineMs: 1_000 });
    expect(supervisor.stop()).toBe(stopping);
    expect(await stopping).toEqual({ finished: 3, released: 6, aborted: 9 });
    expect(order).toEqual(["c", "b", "a"]);
    await supervisor.finished;
  });

  it("gives each what those before it have left of the deadline", async () => {
    const deadlines: number[] = [];
    const slow = (): Supervisable => {
      const { promise, resolve } = deferred();
      return {
        finished: promise,
        async stop({ deadlineMs }) {
          deadlines.push(deadlineMs);
          await setTimeout(Math.min(deadlineMs, 30));
          resolve();
          return { finished: 0, released: 0, aborted: 0 };
        },
      };
    };
    const supervisor = new Supervisor({ a: slow, b: slow, c: slow }, quick);
    await supervisor.start();
    await supervisor.stop({ deadlineMs: 40 });
    const [first = 0, second = 0, third] = deadlines;
    expect(first).toBeGreaterThan(35);
    expect(second).toBeLessThan(15);
    expect(third).toBeLessThan(5);
  });

  it("stops while members start, wait for their next try, or are never made", async () => {
    const { make } = made();
    let isTold = false;
    const waiting = (signal: AbortSignal) =>
      new Promise<Supervisable>((_, reject) => {
        signal.addEventListener("abort", () => {
          isTold = true;
          reject(signal.reason);
        });
      });
    const members = {
      good: make,
      bad: () => Promise.reject(new Error("no server")),
      waiting,
      never: () => new Promise<Supervisable>(() => {}),
    };
    const supervisor = new Supervisor(members, { ...quick, backoff: () => 3_600_000 });
    void supervisor.start();
    await setTimeout(5);
    expect(await supervisor.stop({ deadlineMs: 20 })).toMatchObject({ finished: 1 });
    expect(isTold).toBe(true);
  });

  it("ends while a member waits for its next try", async () => {
    const supervisor = new Supervisor(
      { bad: () => Promise.reject(new Error("no server")) },
      { ...quick, backoff: () => 3_600_000 },
    );
    const starting = supervisor.start();
    await setTimeout(5);
    await supervisor.stop();
    await supervisor.finished;
    await starting;
  });

  it("does not start what is made after the stop, and stops it", async () => {
    const { promise, resolve } = deferred<Supervisable>();
    const { make, sources } = made();
    const supervisor = new Supervisor({ late: () => promise }, quick);
    const starting = supervisor.start();
    await supervisor.stop({ deadlineMs: 0 });
    const late = make();
    resolve(late);
    await late.finished;
    await supervisor.finished;
    await starting;
    expect(sources[0]?.context()).toBeUndefined();
  });

  it("goes on when its onError throws", async () => {
    const one = made();
    const onError = () => {
      throw new Error("as well");
    };
    const error = console.error;
    console.error = () => {};
    const supervisor = new Supervisor({ a: one.make }, { ...quick, onError });
    await supervisor.start();
    one.fail(new Error("cut off"));
    await until(() => expect(one.sources).toHaveLength(2));
    console.error = error;
    await supervisor.stop();
  });

  it("leaves alone what others have stopped", async () => {
    const other = made();
    const one = receiver().on("q", "user.*", () => {});
    const supervisor = new Supervisor({ one: () => one, other: other.make }, quick);
    await supervisor.start();
    await one.stop();
    expect(other.sources[0]?.stops).toEqual([]);
    await supervisor.stop();
    await supervisor.finished;
  });

  it("is started once", async () => {
    const supervisor = new Supervisor({ a: made().make }, quick);
    await supervisor.start();
    await expect(supervisor.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
    await supervisor.stop();
    const unstarted = new Supervisor({ a: made().make }, quick);
    await unstarted.stop();
    await unstarted.finished;
    await expect(unstarted.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
  });

  it.each([
    [{}, {}],
    [{ a: receiver() }, {}],
    [[], {}],
    [{ a: made().make }, { onFailure: "ignore" }],
    [{ a: made().make }, { retries: 3 }],
  ])("refuses %o, %o", (members, options) => {
    const make = () => new Supervisor(members as never, options as SupervisorOptions);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  });
});
