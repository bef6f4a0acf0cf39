import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { inTree } from "../support/in-tree.js";

/** A folder with these files, where the package is found by its name; gone with the test. */
export async function folderWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(inTree("config-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/** A folder with a configuration as JSON. */
export function folderOf(config: unknown): Promise<string> {
  return folderWith({ "opinionated-events.config.json": JSON.stringify(config) });
}

/** `${NAME}`, which no literal may hold. */
export function variable(name: string): string {
  return `\${${name}}`;
}
