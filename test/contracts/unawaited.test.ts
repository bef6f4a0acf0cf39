import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { inTree } from "../support/in-tree.js";

function run(...args: string[]) {
  const file = inTree("test/contracts/unawaited.js");
  return spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });
}

test("a promise that a handler doesn't await is none of its delivery: the source goes on", () => {
  const { status, stdout } = run("listen");
  expect(stdout.trimEnd().split("\n")).toEqual([
    "handled user.first",
    "Error: nobody awaits this",
    "handled user.second",
    "0 unfinished, 0 dead",
  ]);
  expect(status).toBe(0);
});

test("its rejection ends a process that doesn't listen for it, as anywhere in Node", () => {
  const { status, stdout, stderr } = run();
  expect(stdout).toBe("handled user.first\n");
  expect(stderr).toContain("nobody awaits this");
  expect(status).toBe(1);
});
