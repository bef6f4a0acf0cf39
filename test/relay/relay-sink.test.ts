import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Destination } from "../../src/destination/destination.js";
import { createMessage } from "../../src/message/create-message.js";
import { Reporter } from "../../src/receiver/report.js";
import { settingsOf } from "../../src/relay/options.js";
import { RelaySink } from "../../src/relay/relay-sink.js";
import type { Outcome } from "../../src/source/source.js";
import { until } from "../postgres/support.js";
import { idleSource, silent } from "../receiver/support.js";
import { numbersOf, quick, refusing, scripted } from "./support.js";

let lease: AbortController;
let errors: unknown[];
beforeEach(() => {
  errors = [];
  lease = new AbortController();
});
afterEach(() => lease.abort());

function sinkTo(to: Destination, names = ["*"], breaker = quick.breaker): RelaySink {
  const from = idleSource().source;
  const settings = settingsOf({ ...quick, from, to, names, ...(breaker && { breaker }) });
  return new RelaySink(settings, new Reporter({ onError: (error) => errors.push(error) }, silent));
}

/** Gives the sink numbers, those with a k or an m of one key each, and says what becomes of them. */
function give(sink: RelaySink, texts: string, signal = lease.signal) {
  return texts.split(" ").map((text) => {
    const n = Number(text.slice(1));
    const message = createMessage(
      `order.${text[0]}`,
      n,
      text[0] === "-" ? {} : { key: text[0] === "m" ? "m" : "k" },
    );
    return sink.deliver({ queue: quick.queue, message, attempt: 1, signal });
  });
}

async function types(outcomes: readonly Promise<Outcome>[]): Promise<string> {
  return (await Promise.all(outcomes)).map(({ type }) => type).join(" ");
}

describe("several messages of a key", () => {
  it("are given back behind one that is refused, even if the destination took them", async () => {
    const to = scripted(refusing(({ payload }) => payload === 2 && new Error("not now")));
    expect(await types(give(sinkTo(to), "k1 k2 k3 -4"))).toBe("done retry released done");
  });

  it("are given back behind one that is for another process", async () => {
    const to = scripted();
    const sink = sinkTo(to, ["order.k"]);
    expect(await types(give(sink, "k1 j2 k3"))).toBe("done parked released");
    expect(numbersOf(to.arrived)).toEqual([1]);
  });

  it("are given back, too, if they are started before the source knows of it", async () => {
    const to = scripted(refusing(({ payload }) => payload === 1 && new Error("not now")));
    const sink = sinkTo(to);
    const [first, other] = give(sink, "k1 -2");
    const late = first?.then(() => types(give(sink, "k3 -4")));
    expect(await types([first, other].flatMap((one) => one ?? []))).toBe("retry done");
    expect(await late).toBe("released done");
    expect(await types(give(sink, "k5"))).toBe("done");
  });

  it("wait behind one that is alone in a call that failed", async () => {
    const to = scripted((batch) => {
      if (batch.some(({ payload }) => payload === 1)) throw new Error("no");
      return undefined;
    });
    const sink = sinkTo(to);
    const outcomes = give(sink, "k1 k2 k3");
    // Another key of the same lane, and none
    await until(() => expect(to.calls.map(({ length }) => length)).toContain(1));
    const others = [...give(sink, "m4"), ...give(sink, "-5")];
    expect(await types([...outcomes, ...others])).toBe("retry released released done done");
    expect(numbersOf(to.arrived).sort()).toEqual([4, 5]);
  });
});

describe("two calls at once", () => {
  it("are of different keys", async () => {
    const to = scripted(() => new Promise<never>(() => {}));
    const sink = sinkTo(to);
    give(sink, "-1 k2");
    await until(() => expect(to.calls.map(numbersOf).sort()).toEqual([[1], [2]]));
    give(sink, "k3");
    expect(sink.stats.held).toBe(3);
    await new Promise(setImmediate);
    expect(to.calls).toHaveLength(2);
  });

  it("end the wait of both when the destination is up again", async () => {
    const waits = [1, 3_600_000];
    const breaker = { failures: 1, backoff: () => waits.shift() ?? 0 };
    let failures = 0;
    const to = scripted(() => {
      failures += 1;
      if (failures <= 2) throw new Error("connection refused");
      return undefined;
    });
    expect(await types(give(sinkTo(to, ["*"], breaker), "-1 k2"))).toBe("done done");
  });
});

describe("a lost lease", () => {
  it("ends the call, and is no failure of the destination", async () => {
    let calls = 0;
    const to = scripted(() => {
      calls += 1;
      return calls === 1 ? new Promise<never>(() => {}) : undefined;
    });
    const sink = sinkTo(to);
    const lost = new AbortController();
    const [first, second] = [give(sink, "-1 -2", lost.signal), give(sink, "-3")];
    await until(() => expect(calls).toBe(1));
    lost.abort();
    expect(await types([...first, ...second])).toBe("released released done");
    expect(numbersOf(to.arrived)).toEqual([3]);
    expect(to.calls.map(({ length }) => length)).toEqual([3, 1]);
    expect(errors).toEqual([]);
  });

  it("keeps what is lost before its call from being sent", async () => {
    const to = scripted();
    const sink = sinkTo(to);
    lease.abort();
    expect(await types(give(sink, "k1 k2"))).toBe("released released");
    expect(to.calls).toEqual([]);
  });
});
