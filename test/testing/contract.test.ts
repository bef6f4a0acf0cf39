import { expect, test } from "vitest";
import { leaveOut, registerContract } from "../../src/testing/contracts/contract.js";
import { contractTable } from "../../src/testing/contracts/table.js";

const broken = async () => {
  throw new Error("broken");
};

/** A contract of four cases, with a runner that keeps them for later. */
function contract(close = async () => {}) {
  const registered = new Map<string, () => Promise<void>>();
  const cases = { good: async () => {}, bad: broken, unwanted: broken, forgotten: async () => {} };
  const reasons: Record<string, string> = leaveOut({ unwanted: 0 }, "nobody wants it");
  const report = registerContract((name, run) => registered.set(name, run), {
    contract: "thing",
    implementation: "ours",
    cases,
    reasonToLeaveOut: (name) => reasons[name],
    open: async () => ({ close }),
  });
  const run = (name: string) => registered.get(name)?.();
  return { report, run, names: () => [...registered.keys()] };
}

test("registers every case that is not left out", () => {
  expect(contract().names()).toEqual(["good", "bad", "forgotten"]);
});

test("reports what became of each case", async () => {
  const { report, run } = contract();
  await run("good");
  await expect(run("bad")).rejects.toThrow("broken");
  expect(report.results).toEqual([
    { name: "good", outcome: "passed" },
    { name: "bad", outcome: "failed" },
    { name: "unwanted", outcome: "left out", reason: "nobody wants it" },
    { name: "forgotten", outcome: "not run" },
  ]);
});

test("closes the subject of a case that fails, and fails a case that can't be closed", async () => {
  let closed = 0;
  const failing = contract(async () => {
    closed += 1;
    throw new Error("not closed");
  });
  await expect(failing.run("bad")).rejects.toThrow();
  await expect(failing.run("good")).rejects.toThrow("not closed");
  expect(closed).toBe(2);
  expect(failing.report.results[0]).toEqual({ name: "good", outcome: "failed" });
});

test("the table counts outcomes and gives reasons", async () => {
  const { report, run } = contract();
  await run("good");
  expect(contractTable([report]).split("\n")).toEqual([
    "contract  implementation  cases  passed  failed  not run  left out",
    "thing     ours            4      1       0       2        1",
    "",
    "thing, ours: 1 left out, because nobody wants it:",
    "  unwanted",
  ]);
});
