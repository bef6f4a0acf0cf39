import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inTree } from "../support/in-tree.js";
import { type Listening, listening } from "./listening.js";
import { rows, until } from "./support.js";
import { kill } from "./worker-process.js";

let on: Listening;
let child: ChildProcess;
let told: unknown[];
beforeEach(async () => {
  on = await listening();
  told = [];
  const file = inTree("test/postgres/closing-listener.js");
  child = fork(file, [on.proxied, "opinionated-events closing"], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.on("message", (message) => {
    told.push(message);
    if (message === "notify") void rows(on.db.pool, "notify closing");
  });
  await until(() => expect(told).toContain("ready"));
});
afterEach(async () => {
  await kill(child);
  await on.close();
});

/** Resolves when the close is under way, with how the process ends. */
async function close(): Promise<{ exit: Promise<unknown[]> }> {
  const exit = once(child, "exit");
  child.send("close");
  await until(() => expect(told).toContain("closing"));
  return { exit };
}

describe("a listener that is closed leaves no connection, and nothing that keeps its process", () => {
  it("while it listens", async () => {
    const { exit } = await close();
    expect(await exit).toEqual([0, null]);
    await until(async () => expect(await on.sessions()).toEqual([]));
  });

  it("while its connections are refused, and then no longer", async () => {
    on.proxy.refuse();
    await until(() => expect(on.proxy.attempts).toBeGreaterThan(5));
    const { exit } = await close();
    on.proxy.up();
    expect(await exit).toEqual([0, null]);
    await until(async () => expect(await on.sessions()).toEqual([]));
  });

  it("while its connection is silent", async () => {
    on.proxy.silence();
    const { exit } = await close();
    expect(await exit).toEqual([0, null]);
  });

  it("while a new connection is under way, and is answered after all", async () => {
    on.proxy.silence();
    on.proxy.reset();
    await until(() => expect(on.proxy.attempts).toBe(2));
    const { exit } = await close();
    on.proxy.up();
    expect(await exit).toEqual([0, null]);
    await until(async () => expect(await on.sessions()).toEqual([]));
  });
});
