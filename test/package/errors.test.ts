import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

/** Errors without a code that no user can meet. */
const ALLOWED = [
  // Ends the reconnect loop of the listener's library, which swallows it.
  'src/postgres/sockets.ts: throw new Error("closed")',
];

const UNION = /export type ErrorCode =([^;]+);/;

let sources: { path: string; text: string }[];
let codes: string[];
beforeAll(async () => {
  const paths = (await readdir("src", { recursive: true })).filter((path) => path.endsWith(".ts"));
  sources = await Promise.all(
    paths.map(async (path) => {
      const file = join("src", path);
      return { path: file, text: await readFile(file, "utf8") };
    }),
  );
  const [, union = ""] = UNION.exec(sourceOf("src/message/errors.ts")) ?? [];
  codes = [...union.matchAll(/"([A-Z_]+)"/g)].map(([, code = ""]) => code);
});

function sourceOf(path: string): string {
  return sources.find((source) => source.path === path)?.text ?? expect.fail(`no ${path}`);
}

describe("the catalogue of errors", () => {
  it("has every code, once, and no other", async () => {
    const rows = await catalogue();
    expect(rows.map(([code]) => code).sort()).toEqual([...codes].sort());
  });

  it("says of each what it means, where it comes from, and what to do", async () => {
    const incomplete = (await catalogue()).filter(
      (cells) => cells.length !== 4 || cells.includes(""),
    );
    expect(incomplete).toEqual([]);
  });
});

describe("the codes", () => {
  it("are all in use", () => {
    const texts = sources.map(({ text }) => text.replace(UNION, "")).join("\n");
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !texts.includes(`"${code}"`))).toEqual([]);
  });

  it("are on every error, but for those that no user meets", () => {
    const own = sources.filter(({ path }) => !path.startsWith("src/testing/contracts/"));
    const bare = own.flatMap(({ path, text }) =>
      [...text.matchAll(/(throw )?new (Aggregate|Range|Syntax|Type)?Error\([^)]*\)/g)].map(
        ([found]) => `${path}: ${found}`,
      ),
    );
    expect(bare).toEqual(ALLOWED);
  });
});

/** The cells of each row that begins with a code. */
async function catalogue(): Promise<string[][]> {
  const page = await readFile("docs/errors.md", "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => {
    const [code = "", ...cells] = row.split(/(?<!\\)\|/).slice(1, -1);
    return [code.trim().replaceAll("`", ""), ...cells.map((cell) => cell.trim())];
  });
}
