import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { others, starter } from "../../src/config/init/examples.js";
import { type InitOptions, initConfig } from "../../src/config/init/init.js";
import { missingOptions } from "../../src/config/init/missing.js";
import { readConfigFile } from "../../src/config/read.js";
import { entryOf, kindsOf, optionsOf } from "../../src/config/schema/describe.js";
import { schema } from "../../src/config/schema/schema.js";
import { validate } from "../../src/config/validate.js";
import { loadConfig } from "../../src/config.js";
import { folderWith } from "./support.js";

const env = { DATABASE_URL: "postgres://localhost/x" };
const NAME = "opinionated-events.config";

async function init(files: Record<string, string> = {}, options: InitOptions = {}) {
  const folder = await folderWith(files);
  const result = await initConfig({ folder, ...options });
  const text = await readFile(result.path, "utf8");
  return { folder, text, ...result };
}

describe("a new file", () => {
  it.each(["yaml", "json", "ts"] as const)(
    "as %s can be loaded, and has every option",
    async (format) => {
      const { folder, path, outcome } = await init({}, { format });
      expect(outcome).toBe("created");
      expect(await readdir(folder)).toEqual([`${NAME}.${format}`]);
      await (await loadConfig({ folder, env })).close();
      const raw = await readConfigFile({ path, extension: format });
      expect(
        missingOptions(raw as Record<string, unknown>).map(({ path: at }) => at.join(".")),
      ).toEqual([]);
    },
  );

  it.each(["yaml", "ts"])(
    "as %s says every option of every kind, with its comment",
    async (format) => {
      const { text } = await init({}, { format });
      for (const section of optionsOf(schema)) {
        expect(text).toContain(section.description);
        for (const kind of kindsOf(entryOf(section.schema)))
          for (const { name, description } of optionsOf(kind)) {
            expect(text).toContain(description);
            expect(text).toMatch(new RegExp(`\\b${name}: `));
          }
      }
    },
  );

  it("means the same in all formats", async () => {
    const texts = await Promise.all(["yaml", "json"].map((format) => init({}, { format })));
    const [yaml, json] = texts.map(({ text }) => parse(text));
    expect({ ...yaml, relays: {} }).toEqual(json);
  });

  it("has examples that are valid", () => {
    const both = Object.fromEntries(
      Object.entries(starter).map(([section, entries]) => [
        section,
        { ...entries, ...others[section as keyof typeof others] },
      ]),
    );
    expect(validate("examples", both, env).relays).toHaveProperty("to-web");
  });

  it("is named as it is told", async () => {
    const { folder, path } = await init({}, { file: "events.json" });
    expect(path).toBe(join(folder, "events.json"));
    expect(await readdir(folder)).toEqual(["events.json"]);
  });

  it.each<[InitOptions, string]>([
    [{ format: "toml" }, "yaml, json, ts"],
    [{ file: "a.json", format: "yaml" }, "a.json is no file of the format yaml"],
    [{ file: "a.js" }, "a.js is no file of the format ts, json or yaml"],
  ])("is refused with %o", async (options, text) => {
    await expect(init({}, options)).rejects.toThrow(text);
  });
});

const partly = `# Ours
publishers:   # for all
  main:
    destinations: [ outbox,  web ]   # two
    bridge: "async"
    whenFull: reject # at once


# Where to
destinations:
    web: {kind: http, url: "https://example.com"}
    outbox:
        kind: postgres
        connectionString: $\{DATABASE_URL}  # from the environment
    # the end
defaults:
  publisher: main`;

describe("a file that is there", () => {
  it.each(["yaml", "json"])("as %s isn't changed the second time", async (format) => {
    const { folder, path, text } = await init({}, { format });
    const again = await initConfig({ folder });
    expect(again).toEqual({ path, missing: [], outcome: "completed" });
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it("in YAML gets what is missing, and keeps all else to the letter", async () => {
    const { text, missing, outcome } = await init({ [`${NAME}.yaml`]: partly });
    expect(outcome).toBe("completed");
    expect(missing.map(({ path }) => path.join("."))).toEqual([
      "sources",
      "relays",
      "publishers.main.maxAttempts",
      "publishers.main.waitMs",
      "publishers.main.maxBuffered",
      "publishers.main.timeoutMs",
      "destinations.web.headers",
      "destinations.web.timeoutMs",
      "destinations.web.maxBatch",
      "destinations.outbox.schema",
      "destinations.outbox.poolMax",
      "destinations.outbox.preparedStatements",
    ]);
    expect(parse(text)).toEqual({
      ...parse(partly),
      publishers: {
        main: {
          destinations: ["outbox", "web"],
          bridge: "async",
          whenFull: "reject",
          maxAttempts: 10,
          waitMs: 200,
          maxBuffered: 10_000,
          timeoutMs: 30_000,
        },
      },
      destinations: {
        web: {
          kind: "http",
          url: "https://example.com",
          headers: {},
          timeoutMs: 10_000,
          maxBatch: 100,
        },
        outbox: {
          kind: "postgres",
          connectionString: `$\{DATABASE_URL}`,
          schema: "opinionated_events",
          poolMax: 10,
          preparedStatements: false,
        },
      },
      sources: {},
      relays: {},
    });
    const lines = text.split("\n");
    const kept = lines.map((line) => line.replace(/, headers: .*}/, "}"));
    let at = -1;
    for (const line of partly.split("\n")) {
      at = kept.indexOf(line, at + 1);
      expect(at, line).toBeGreaterThan(-1);
    }
    expect(lines).toContain("    # How long one call of a destination may take, in ms.");
    expect(lines).toContain("        poolMax: 10");
  });

  it("in YAML gets what an alias stands for once, where that is", async () => {
    const text = "destinations:\n  a: &a\n    kind: http\n    url: http://x\n  b: *a\n";
    const { text: after } = await init({ [`${NAME}.yml`]: text });
    expect(after.match(/maxBatch: 100/g)).toHaveLength(1);
    expect(after).toContain("\n  b: *a\n");
    expect(parse(after).destinations.b).toMatchObject({ url: "http://x", maxBatch: 100 });
  });

  it("in YAML gets what is missing after a list, and in an empty map", async () => {
    const list = "publishers:\n  a:\n    bridge: sync\n    destinations:\n      - x # one\n\n\n";
    const { text } = await init({ [`${NAME}.yaml`]: `${list}relays: { r: {} }\n` });
    expect(text).toContain("      - x # one\n    # How long");
    expect(parse(text).publishers.a).toEqual({
      bridge: "sync",
      destinations: ["x"],
      timeoutMs: 30_000,
    });
    expect(parse(text).relays.r).toMatchObject({ names: ["*"], limit: 20 });
  });

  it("that has everything isn't even formatted", async () => {
    const { text } = await init({}, { format: "json" });
    const minified = JSON.stringify(JSON.parse(text));
    expect((await init({ [`${NAME}.json`]: minified })).text).toBe(minified);
  });

  it("that is empty gets its sections", async () => {
    const { text } = await init({ [`${NAME}.yaml`]: "" });
    expect(Object.keys(parse(text))).toEqual(optionsOf(schema).map(({ name }) => name));
  });

  it("in JSON gets what is missing, with its own indentation", async () => {
    const text =
      '{\n\t"destinations": {\n\t\t"a": { "kind": "postgres", "connectionString": "x" }\n\t}\n}\n';
    const { text: after, missing } = await init({ [`${NAME}.json`]: text });
    expect(missing).toHaveLength(7);
    expect(after).toContain('\n\t\t\t"preparedStatements": false\n');
    expect(JSON.parse(after)).toMatchObject({ ...JSON.parse(text), relays: {} });
  });

  it("in TypeScript is left alone, and says what it doesn't have", async () => {
    const text = 'export default { destinations: { a: { kind: "http", url: "http://x" } } };';
    const { text: after, missing, outcome } = await init({ [`${NAME}.ts`]: text });
    expect(outcome).toBe("left");
    expect(after).toBe(text);
    expect(missing).toContainEqual(
      expect.objectContaining({ path: ["destinations", "a", "maxBatch"], value: 100 }),
    );
  });

  it("in another format than what is asked for is left alone", async () => {
    const text = "{}";
    const folder = await folderWith({ [`${NAME}.json`]: text });
    await expect(initConfig({ folder, format: "yaml" })).rejects.toThrow("in another format");
    expect(await readdir(folder)).toEqual([`${NAME}.json`]);
  });

  it("that can't be read is left alone", async () => {
    const folder = await folderWith();
    await writeFile(join(folder, `${NAME}.yaml`), "a: [");
    await expect(initConfig({ folder })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    expect(await readFile(join(folder, `${NAME}.yaml`), "utf8")).toBe("a: [");
  });
});
