import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const HERE = fileURLToPath(new URL("../../", import.meta.url));
const COMPILER = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
};

/** A text of a file that must be there exactly once, and what stands there instead. */
export interface SourceChange {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What processes run on: the sources as JavaScript, so that many start quickly. */
export interface Tree {
  readonly root: URL;
  remove(): Promise<void>;
}

/** Builds it, with a change of one source where one is given. */
export async function buildTree(change?: SourceChange): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), "opinionated-events-tree-"));
  await symlink(join(HERE, "node_modules"), join(folder, "node_modules"));
  for (const part of ["migrations", "package.json"])
    await cp(join(HERE, part), join(folder, part), { recursive: true });
  for (const file of await sources()) {
    const text = file === change?.file ? await changed(change) : await sourceOf(file);
    const target = join(folder, file.replace(/ts$/, "js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, ts.transpileModule(text, { compilerOptions: COMPILER }).outputText);
  }
  const remove = () => rm(folder, { recursive: true, force: true });
  return { root: pathToFileURL(`${folder}/`), remove };
}

/** The changed text. Throws unless what is to be replaced is there exactly once. */
export async function changed({ file, from, to }: SourceChange): Promise<string> {
  const parts = (await sourceOf(file)).split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not 1: ${from}`);
  return parts.join(to);
}

async function sources(): Promise<string[]> {
  const [src, scripts] = await Promise.all([
    readdir(join(HERE, "src"), { recursive: true }),
    readdir(join(HERE, "test/faults")),
  ]);
  return [
    ...src.map((file) => join("src", file)),
    ...scripts.map((file) => join("test/faults", file)),
  ].filter((file) => file.endsWith(".ts"));
}

function sourceOf(file: string): Promise<string> {
  return readFile(join(HERE, file), "utf8");
}
