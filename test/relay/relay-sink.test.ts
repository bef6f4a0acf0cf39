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

function sinkTo(to: Destination, names = ["*"]): RelaySink {
  const settings = settingsOf({ ...quick, from: idleSource().source, to, names });
  return new RelaySink(settings, new Reporter({ onError: (error) => errors.push(error) }, silent));
}

/** Gives the sink numbers, all of one key unless they are named, and says what becomes of them. */
function give(sink: RelaySink, texts: string, signal = lease.signal) {
  return texts.split(" ").map((text) => {
    const n = Number(text.slice(1));
    const message = createMessage(`order.${text[0]}`, n, text[0] === "-" ? {} : { key: "k" });
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
    let calls = 0;
    const to = scripted((batch) => {
      calls += 1;
      if (batch.some(({ payload }) => payload === 1) && calls < 9) throw new Error("no");
      return undefined;
    });
    const outcomes = give(sinkTo(to), "k1 k2 k3 -4");
    expect(await types(outcomes)).toBe("retry released released done");
    expect(numbersOf(to.arrived)).toEqual([4]);
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
    const [first, second] = [give(sink, "k1 -2", lost.signal), give(sink, "-3")];
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
