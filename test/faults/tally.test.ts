import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Book } from "./book.js";
import type { HandledLine, Kind, PublishedLine } from "./messages.js";
import { Recorder } from "./record.js";
import { type Bounds, type End, type Fault, tally, violations } from "./tally.js";

const BOUNDS: Bounds = { recoveryMs: 100, repeats: undefined, ordered: false, forgets: false };

let folder: string;
let publisher: Recorder;
let worker: Recorder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "opinionated-events-tally-"));
  publisher = new Recorder(join(folder, "p.published"));
  worker = new Recorder(join(folder, "w.handled"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function publish(id: string, end?: "committed" | "rolled back", kind: Kind = "plain"): void {
  const begun: PublishedLine = { tx: `p-${id}`, messages: [[id, "k", 0, kind]] };
  publisher.write(begun);
  if (end) publisher.write({ tx: `p-${id}`, end, at: 1_000 } satisfies PublishedLine);
}

function handle(id: string, n = 0, at = 1_010): void {
  worker.write([id, "k", n, at] satisfies HandledLine);
}

function judged(end: Partial<End>, bounds: Partial<Bounds> = {}, faults?: readonly Fault[]) {
  const fault = { at: 1_000, inFlight: 1 };
  const all = { committed: [], dead: new Map(), open: 0, ...end };
  const counts = tally(new Book(folder).read(), all, faults ?? [fault], { ...BOUNDS, ...bounds });
  return violations(counts, true);
}

describe("what is wrong", () => {
  it("is nothing if all that was committed was handled, however its commit was answered", () => {
    for (const [id, end] of [
      ["a", "committed"],
      ["b", undefined],
    ] as const)
      publish(id, end);
    publish("c", "rolled back");
    for (const id of ["a", "b"]) handle(id);
    expect(judged({ committed: ["a", "b"] })).toEqual([]);
  });

  it("is a committed message that was not handled, or is not in the log", () => {
    for (const id of ["a", "b"]) publish(id, "committed");
    expect(judged({ committed: ["a"] })).toEqual(["2 lost"]);
  });

  it("is one that should be dead, and is not, or of something else", () => {
    publish("a", "committed", "exit");
    publish("b", "committed", "exit");
    const dead = new Map([["b", "FATAL"]]);
    expect(judged({ committed: ["a", "b"], dead })).toEqual(["2 lost"]);
  });

  it("is a handled message that was rolled back, is not in the log, or was never published", () => {
    publish("a", "rolled back");
    publish("b");
    for (const id of ["a", "b", "c"]) handle(id);
    expect(judged({ committed: ["a"] })).toEqual(["3 uncommitted seen"]);
  });

  it("is more repeats than there were messages in flight, or than are allowed", () => {
    publish("a", "committed");
    for (let times = 0; times < 3; times += 1) handle("a");
    expect(judged({ committed: ["a"] })).toEqual(["2 repeated, 1 allowed"]);
    expect(judged({ committed: ["a"] }, { repeats: 2 })).toEqual([]);
  });

  it("is a message after a later one of its key, where the queue is ordered", () => {
    for (const [n, id] of ["a", "b"].entries()) {
      publish(id, "committed");
      handle(id, 1 - n, 1_010 + n);
    }
    expect(judged({ committed: ["a", "b"] })).toEqual([]);
    expect(judged({ committed: ["a", "b"] }, { ordered: true })).toEqual(["1 reordered"]);
  });

  it("is nothing of what the server has forgotten, if it may forget", () => {
    for (const id of ["a", "b"]) publish(id, "committed");
    handle("a");
    expect(judged({ committed: [] }, { forgets: true })).toEqual([]);
    expect(judged({ committed: ["b"] }, { forgets: true })).toEqual(["1 lost"]);
  });

  it("is a slow recovery, a fault that hit nothing, and what is left behind", () => {
    publish("a", "committed");
    handle("a", 0, 2_000);
    const faults = [{ at: 1_000, inFlight: 0 }];
    expect(judged({ committed: ["a"], open: 1 }, {}, faults)).toEqual([
      "1 left open",
      "0 of 1 faults came while messages were in flight",
      "recovered in 1000 ms, 100 allowed",
    ]);
  });
});
