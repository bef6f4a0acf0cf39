import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compile } from "./support/doc-examples.js";

test("the examples of the README and the guides compile", { timeout: 120_000 }, async () => {
  const pages = [
    ...(await readdir("docs")),
    ...(await readdir("docs/brokers")).map((page) => join("brokers", page)),
  ];
  const guides = pages.filter((name) => name.endsWith(".md"));
  expect(guides.length).toBeGreaterThan(5);
  expect(await compile(["README.md", ...guides.map((name) => join("docs", name))])).toBe("");
});
