import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { acquire } from "../../src/postgres/acquire.js";
import { deferred } from "../receiver/support.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const client = () => ({ release: vi.fn() });
const exhausted = { code: "POOL_EXHAUSTED" };

describe("acquire", () => {
  it("gives the connection, and leaves no timer behind", async () => {
    const free = client();
    await expect(acquire({ connect: async () => free })).resolves.toBe(free);
    expect(vi.getTimerCount()).toBe(0);
    expect(free.release).not.toHaveBeenCalled();
  });

  it("gives up after 10 s, and gives back what comes too late", async () => {
    const late = client();
    const connecting = deferred<typeof late>();
    const acquired = acquire({ connect: () => connecting.promise });
    const refused = expect(acquired).rejects.toMatchObject(exhausted);
    await vi.advanceTimersByTimeAsync(10_000);
    await refused;
    expect(late.release).not.toHaveBeenCalled();
    connecting.resolve(late);
    await vi.advanceTimersByTimeAsync(0);
    expect(late.release).toHaveBeenCalledOnce();
  });

  it("keeps what comes in time", async () => {
    const free = client();
    const connecting = deferred<typeof free>();
    const acquired = acquire({ connect: () => connecting.promise });
    await vi.advanceTimersByTimeAsync(9_999);
    connecting.resolve(free);
    await expect(acquired).resolves.toBe(free);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(free.release).not.toHaveBeenCalled();
  });

  it("passes on why there is no connection, also too late", async () => {
    const failure = new Error("no such host");
    await expect(acquire({ connect: () => Promise.reject(failure) })).rejects.toBe(failure);
    const connecting = deferred<ReturnType<typeof client>>();
    const refused = expect(acquire({ connect: () => connecting.promise })).rejects.toMatchObject(
      exhausted,
    );
    await vi.advanceTimersByTimeAsync(10_000);
    await refused;
    connecting.reject(failure);
  });

  it("survives that the connection is lost in the turn in which it is handed out", async () => {
    const lost = Object.assign(new EventEmitter(), client());
    const acquired = acquire<typeof lost>({
      connect(callback) {
        callback(undefined, lost);
        lost.emit("error", new Error("terminated"));
      },
    });
    await expect(acquired).resolves.toBe(lost);
    await vi.advanceTimersByTimeAsync(1);
    expect(lost.listenerCount("error")).toBe(0);
  });
});
