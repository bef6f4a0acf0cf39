import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Events, loadConfig } from "../../src/config.js";
import { createMessage } from "../../src/message/create-message.js";
import { startServer } from "../destination/http-server.js";
import { folderOf, folderWith, variable } from "./support.js";

const url = variable("TARGET");

const yaml = `
defaults: { publisher: web }
publishers:
  web:
    bridge: sync
    destinations: [web] # with a comment
destinations:
  web:
    kind: http
    url: ${url}/_events
    headers: { authorization: "Bearer ${variable("TOKEN")}" }
relays:
`;

const asObject = `{
  defaults: { publisher: "web" },
  publishers: { web: { bridge: "sync", destinations: ["web"] } },
  destinations: {
    web: {
      kind: "http",
      url: "${url}/_events",
      headers: { authorization: "Bearer ${variable("TOKEN")}" },
    },
  },
}`;

const typescript = `import { defineConfig } from "opinionated-events/config";
const config: Parameters<typeof defineConfig>[0] = ${asObject};
export default defineConfig(config);`;

const json = asObject.replace(/(\w+): /g, '"$1": ').replace(/,(\s*})/g, "$1");

describe("a configuration file", () => {
  it.each([
    ["yaml", yaml],
    ["yml", yaml],
    ["json", json],
    ["ts", typescript],
    ["mjs", `export default ${asObject}`],
    ["js", `export default ${asObject}`],
  ])("is found and read as %s", async (extension, text) => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const folder = await folderWith({ [`opinionated-events.config.${extension}`]: text });
    const env = { TARGET: new URL(server.url).origin, TOKEN: "secret" };
    const events = await load({ folder, env });
    await events.publisher().publishOne(createMessage("user.created", {}));
    expect(events.publisher("web")).toBe(events.publisher());
    expect(server.requests[0]?.path).toBe("/_events");
    expect(server.requests[0]?.headers.authorization).toBe("Bearer secret");
  });

  it("may have any name, relative to the folder", async () => {
    const folder = await folderWith({
      "other.json": '{ "destinations": { "a": { "kind": "stdout" } } }',
    });
    const events = await load({ folder, file: "other.json" });
    expect(events.destination("a").name).toBe("stdout");
  });

  it("takes variables from process.env, and $${ for itself", async () => {
    const destinations = { a: { kind: "http", url: "http://localhost/$${A}" } };
    const events = await load({ folder: await folderOf({ destinations }) });
    expect(events.destination("a").name).toBe("http://localhost/$%7BA%7D");
  });

  it("that is empty names nothing", async () => {
    const folder = await folderWith({ "opinionated-events.config.yaml": "# later\n" });
    const events = await load({ folder });
    expect(events.relays).toEqual([]);
    expect(() => events.publisher("a")).toThrow('no publisher "a": there are none');
  });

  it.each([
    ["none", {}, "CONFIG_MISSING", "config init"],
    [
      "two",
      { "opinionated-events.config.json": "{}", "opinionated-events.config.ts": "" },
      "INVALID_CONFIG",
      "There are both",
    ],
  ])("is refused where there are %s", async (_, files: Record<string, string>, code, text) => {
    await expect(loadConfig({ folder: await folderWith(files) })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  it.each([
    ["a.toml", "", "format of"],
    ["a.json", '{ "secret": ', "not valid JSON"],
    ["a.yaml", "a: [secret", "line 1, column 11: it is not valid YAML"],
    ["a.yaml", "a: 1\na: 2", "line 2, column 1: it is not valid YAML (DUPLICATE_KEY)"],
    ["a.ts", "export default {", "a.ts can't be used"],
    ["a.ts", 'throw new Error("no luck")', "no luck"],
    ["a.yaml", "[]", "expected object, received array"],
  ])("%s with %s is refused", async (file, text, problem) => {
    const folder = await folderWith({ [file]: text });
    const error = await loadConfig({ folder, file }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringContaining(problem),
    });
    expect((error as Error).message).not.toContain("secret");
  });
});

describe("what is wrong in a file", () => {
  it("is told all at once, with its place and what was expected, and without a value", async () => {
    const folder = await folderOf({
      defaults: { publisher: "nobody" },
      publishers: {
        a: { bridge: "sync", destinations: ["web", 7], timeoutMs: "hunter2" },
        b: { bridge: "later" },
        c: { bridge: "async", destinations: ["web"], whenFull: "hunter2", retries: 3 },
      },
      destinations: {
        web: { kind: "http", url: "hunter2" },
        pg: {
          kind: "postgres",
          connectionString: variable("NO_SUCH"),
          schema: variable("NOR_SUCH"),
        },
        k: { kind: "carrier-pigeon" },
      },
      relays: { r: { from: "main", to: "web", queue: "a b", startAt: "hunter2" } },
      sauces: {},
    });
    const error = await loadConfig({ folder, env: {} }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: "INVALID_CONFIG" });
    const { message } = error as Error;
    expect(message.split("\n").slice(1)).toEqual([
      "  destinations.pg.connectionString: the environment variable NO_SUCH is not set",
      "  destinations.pg.schema: the environment variable NOR_SUCH is not set",
      "  publishers.a.destinations.1: expected string, received number",
      "  publishers.a.timeoutMs: expected number, received string",
      "  publishers.b.bridge: expected one of sync, async",
      '  publishers.c.whenFull: expected one of "wait"|"reject"',
      "  publishers.c: unknown option retries: known are bridge, destinations, maxAttempts, waitMs, maxBuffered, whenFull, timeoutMs",
      "  destinations.web.url: Invalid URL",
      "  destinations.k.kind: expected one of postgres, http, memory, stdout, kafka",
      '  relays.r.queue: Bad queue name "a b": use 1 to 255 of A-Z a-z 0-9 _ - . :.',
      expect.stringContaining("  relays.r.startAt: "),
      "  unknown option sauces: known are defaults, publishers, destinations, sources, relays",
    ]);
    expect(message).toContain(join(folder, "opinionated-events.config.json"));
    expect(message).not.toContain("hunter2");
  });

  it("is every name that is not there, with those that are", async () => {
    const folder = await folderOf({
      defaults: { publisher: "orders", source: "queue" },
      publishers: { order: { bridge: "sync", destinations: ["web", "wep"] } },
      destinations: { web: { kind: "stdout" } },
      sources: { main: { kind: "memory", destination: "web" } },
      relays: { r: { from: "mein", to: "web2", queue: "r" } },
    });
    const error = await loadConfig({ folder }).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message.split("\n").slice(1)).toEqual([
      '  defaults.publisher: there is no publisher "orders": known are order',
      '  defaults.source: there is no source "queue": known are main',
      '  publishers.order.destinations.1: there is no destination "wep": known are web',
      '  sources.main.destination: there is no destination of kind memory "web": there are none',
      '  relays.r.from: there is no source "mein": known are main',
      '  relays.r.to: there is no destination "web2": known are web',
    ]);
  });
});

async function load(options: Parameters<typeof loadConfig>[0]): Promise<Events> {
  const events = await loadConfig(options);
  onTestFinished(() => events.close());
  return events;
}
