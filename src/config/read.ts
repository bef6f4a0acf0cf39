import { readFile } from "node:fs/promises";
import type { ConfigFile } from "./file.js";
import { invalidConfig } from "./problem.js";

/** What stands in a file, as it stands there. Throws `INVALID_CONFIG` if it can't be read; the text quotes nothing of it. */
export async function readConfigFile({ path, extension }: ConfigFile): Promise<unknown> {
  if (extension === "json") return readJson(path, await readFile(path, "utf8"));
  if (extension === "yaml" || extension === "yml")
    return readYaml(path, await readFile(path, "utf8"));
  return readModule(path);
}

function readJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidConfig(path, [{ path: [], text: "it is not valid JSON" }]);
  }
}

async function readYaml(path: string, text: string): Promise<unknown> {
  const { parseYaml } = await import("./yaml.js");
  return parseYaml(path, text).toJS();
}

async function readModule(path: string): Promise<unknown> {
  const { createJiti } = await import("jiti");
  const jiti = createJiti(import.meta.url, { fsCache: false, moduleCache: false });
  try {
    return await jiti.import(path, { default: true });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : "it threw something that is no Error";
    throw invalidConfig(path, [{ path: [], text }], cause);
  }
}
