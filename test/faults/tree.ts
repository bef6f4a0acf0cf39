import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Mutant } from "./mutants.js";

const HERE = fileURLToPath(new URL("../../", import.meta.url));
/** What a process of ours runs on. */
const PARTS = ["src", "migrations", "test/faults", "package.json", "tsconfig.json"];

export type SourceChange = NonNullable<Mutant["source"]>;

/** Runs `fn` with a copy of the sources in which one is changed. */
export async function withChangedTree<T>(
  change: SourceChange,
  fn: (root: URL) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "opinionated-events-tree-"));
  try {
    for (const part of PARTS) await cp(join(HERE, part), join(folder, part), { recursive: true });
    await symlink(join(HERE, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, change.file), await changed(change));
    return await fn(pathToFileURL(`${folder}/`));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The changed text of the file. Throws unless what is to be replaced is there exactly once. */
export async function changed({ file, from, to }: SourceChange): Promise<string> {
  const parts = (await readFile(join(HERE, file), "utf8")).split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not 1: ${from}`);
  return parts.join(to);
}
