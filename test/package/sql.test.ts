import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const STATEMENT =
  /["'`]\s*(select\s|insert into\s|update\s|delete from\s|truncate\s|with\s+\w+\s+as\s|create (table|index|function|schema)\s)/i;

test("SQL is written in src/postgres alone", async () => {
  expect(await filesWithSql("src", (path) => !path.startsWith("postgres/"))).toEqual([]);
});

test("SQL is recognised where it is", async () => {
  expect(await filesWithSql("src", (path) => path.startsWith("postgres/"))).not.toEqual([]);
});

async function filesWithSql(root: string, wanted: (path: string) => boolean): Promise<string[]> {
  const paths = await readdir(root, { recursive: true });
  const sources = paths.filter((path) => path.endsWith(".ts") && wanted(path));
  const texts = await Promise.all(sources.map((path) => readFile(join(root, path), "utf8")));
  return sources.filter((_, index) => STATEMENT.test(texts[index] ?? ""));
}
