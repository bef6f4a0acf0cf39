import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { folderOf, folderWith, variable } from "../config/support.js";
import { run } from "./support.js";

const NAME = "opinionated-events.config";

describe("the command line", () => {
  it.each([[[]], [["--help"]]])("says what there is, for %j", async (args) => {
    const { code, out, err } = await run(await folderWith(), args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/config.*\n.*migrate.*\n.*relay/);
    expect(out).not.toContain("\u001b");
  });

  it("says what a command takes", async () => {
    const { code, out } = await run(await folderWith(), ["config", "verify", "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("--connect");
  });

  it.each([
    [["--all", "relay"], "Unknown option --all: the command comes first"],
    [
      ["config", "verify", "--timeout", "0"],
      "--timeout takes a whole number of seconds, at least 1",
    ],
    [["nonsense"], "Unknown command nonsense"],
    [
      ["config", "verify", "--conect"],
      "Unknown option --conect: there are --config, --debug, --connect",
    ],
    [["config", "verify", "now"], "Unknown argument now"],
    [["config", "verify", "--timeout", "soon"], "--timeout takes a whole number of seconds"],
    [["config", "init", "--format", "toml"], "yaml, json, ts"],
    [["relay"], "Name relays of the configuration, or say --all: it has to-web."],
    [["relay", "to-wep"], 'UNKNOWN_NAME: The configuration has no relay "to-wep": it has to-web.'],
    [["relay", "to-web", "--all"], "or say --all"],
    [["migrate", "--config", "no.yaml"], "CONFIG_MISSING"],
    [["migrate"], "nothing of kind postgres"],
  ])("refuses %j with 2 and a line", async (args, text) => {
    const folder = await folderOf({
      destinations: { web: { kind: "stdout" } },
      sources: { http: { kind: "http" } },
      relays: { "to-web": { from: "http", to: "web", queue: "q" } },
    });
    const { code, out, err } = await run(folder, args);
    expect(err).toContain(text);
    expect(err.trim()).toMatch(/^[A-Z_]+: /);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  it("shows a stack only with --debug", async () => {
    const folder = await folderWith();
    expect((await run(folder, ["migrate"])).err).not.toContain("    at ");
    expect((await run(folder, ["migrate", "--debug"])).err).toContain("    at ");
  });
});

describe("config init", () => {
  it("writes a file once, and says so", async () => {
    const folder = await folderWith();
    const first = await run(folder, ["config", "init"]);
    expect(first).toEqual({ code: 0, out: `${NAME}.yaml is written.\n`, err: "" });
    const { code, out } = await run(folder, ["config", "init"]);
    expect(code).toBe(0);
    expect(out).toContain("nothing was changed");
    expect(await readdir(folder)).toEqual([`${NAME}.yaml`]);
  });

  it("says what it has added", async () => {
    const folder = await folderOf({ destinations: { a: { kind: "http", url: "http://x" } } });
    const { code, out } = await run(folder, ["config", "init"]);
    expect(code).toBe(0);
    expect(out).toContain(`Added to ${NAME}.json:\n`);
    expect(out).toContain("  destinations.a.maxBatch: 100\n");
  });

  it("leaves a program alone, says what it doesn't have, and ends with 1", async () => {
    const text = 'export default { destinations: { a: { kind: "http", url: "http://x" } } };';
    const folder = await folderWith({ [`${NAME}.ts`]: text });
    const { code, out } = await run(folder, ["config", "init"]);
    expect(code).toBe(1);
    expect(out).toContain("was left alone");
    expect(out).toContain("  destinations.a.maxBatch: 100\n");
  });

  it("writes one in TypeScript that verify takes", async () => {
    const folder = await folderWith();
    expect((await run(folder, ["config", "init", "--format", "ts"])).code).toBe(0);
    const verified = await run(folder, ["config", "verify"], { DATABASE_URL: "postgres://x/y" });
    expect(verified).toEqual({ code: 0, out: "The configuration is valid.\n", err: "" });
    const { code, err } = await run(folder, ["config", "verify"], { DATABASE_URL: undefined });
    expect(code).toBe(2);
    expect(err).toContain(
      "sources.main.connectionString: the environment variable DATABASE_URL is not set",
    );
  });
});

it("an error of a variable names it and its place, and no value", async () => {
  const destinations = { web: { kind: "http", url: variable("URL_OF_WEB") } };
  const folder = await folderOf({ destinations });
  const { code, err } = await run(folder, ["config", "verify"], { URL_OF_WEB: "hunter2" });
  expect(code).toBe(2);
  expect(err).toContain("destinations.web.url: Invalid URL");
  expect(err).not.toContain("hunter2");
});
